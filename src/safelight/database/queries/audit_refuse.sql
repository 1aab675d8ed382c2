-- uploaded -> failed: something else lies at its place. The rows of batch and image are locked.
-- $1 publication, $2 why
with failed as (
    update publications
    set status = 'failed', reason = $2, url = null, finished_at = safelight_now()
    where id = $1 and status = 'uploaded' and remove_asked_at is null and removed_at is null
    returning image_id, publisher
), batch as (
    update batches set last_event = last_event + 1,
                       last_txid = greatest(last_txid, pg_current_xact_id())
    from failed join images image on image.id = failed.image_id
    where batches.id = image.batch_id
    returning batches.id, last_event, last_txid, image.id as image_id, image.index,
              failed.publisher
)
insert into events (batch_id, number, txid, type, image_id, data)
select id, last_event, last_txid, 'publication.failed', image_id,
       jsonb_build_object('index', index, 'publisher', publisher, 'reason', $2::text)
from batch
returning number
