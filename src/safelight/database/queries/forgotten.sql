-- Queued for a while: their token may be gone. Locked by nobody, so look again when taking it.
select id, pool, turn, tries from images
where status = 'queued' and queued_at < safelight_now() - make_interval(secs => $1)
  and id > $2 and not aside
  and not (held and exists (
      select from batches batch join holds on holds.graph = batch.plan ->> 'graph'
      where batch.id = images.batch_id and holds.pool = images.pool))
order by id limit $3
