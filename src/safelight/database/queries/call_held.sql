-- Images of a graph that is no longer held get their places back, some at a time.
-- $1 pool, $2 graph, $3 how many
update images set held = false
where id in (
    select image.id from images image join batches batch on batch.id = image.batch_id
    where image.pool = $1 and image.held and image.status = 'queued'
      and batch.plan ->> 'graph' = $2
    order by image.turn limit $3 for update of image skip locked)
returning id, pool, turn, tries
