-- queued | dispatched -> failed | canceled. The image row is locked by the caller.
-- $1 image, $2 source, $3 target, $4 error as JSON or null
with image as (
    update images set status = $3, error = $4, finished_at = safelight_now()
    where id = $1 and status = $2
    returning id, batch_id, index, error
), batch as (
    update batches
    set failed = failed + ($3 = 'failed')::int,
        canceled = canceled + ($3 = 'canceled')::int,
        last_event = last_event + 1 + (stored + failed + canceled + 1 = quantity)::int,
        last_txid = greatest(last_txid, pg_current_xact_id()),
        ended_at = case when stored + failed + canceled + 1 = quantity then safelight_now() end
    from image where batches.id = image.batch_id
    returning batches.id, character_id, last_event, last_txid, ended_at, stored, failed, canceled,
              case when stored > 0 then 'batch.partial'
                   when failed > 0 then 'batch.failed'
                   else 'batch.canceled' end as ending
), told as (
    insert into events (batch_id, number, txid, type, image_id, data)
    select batch.id, batch.last_event - (batch.ended_at is not null)::int, batch.last_txid,
           'image.' || $3, image.id,
           jsonb_strip_nulls(jsonb_build_object('index', image.index, 'error', image.error))
    from batch, image
    union all
    select id, last_event, last_txid, ending, null,
           jsonb_build_object('stored', stored, 'failed', failed, 'canceled', canceled)
    from batch where ended_at is not null
)
select id as batch_id, last_event, ended_at is not null as ended, ending, character_id from batch
