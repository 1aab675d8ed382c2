-- dispatched -> stored, in one round trip. No row: another worker drives this attempt now, or the
-- image has ended. A twin breaks the unique index images_differ and with it this statement.
-- A picture clears its graph of what died under it, and is to be copied to its batch's publishers.
-- The batch row is locked first, then the image row: each step rests on the one before.
-- $1 prompt id, $2 epoch, $3 key, $4 bytes, $5 content type, $6 width, $7 height, $8 sha256,
-- $9 pixels sha256, $10 image, $11 batch
with batch_lock as materialized (
    select id, pool, plan ->> 'graph' as graph, plan -> 'publishers' as publishers
    from batches where id = $11 for update
), image_lock as materialized (
    select image.id from images image join batch_lock on image.batch_id = batch_lock.id
    where image.id = $10 and image.status = 'dispatched'
    for update of image
), attempt as (
    update attempts set closed_at = safelight_now(), outcome = 'stored'
    from image_lock
    where prompt_id = $1 and epoch = $2 and closed_at is null and image_id = image_lock.id
    returning image_id, backend, extract(epoch from closed_at - opened_at)::float8 as took
), image as (
    update images set status = 'stored', key = $3, bytes = $4, content_type = $5, width = $6,
                      height = $7, sha256 = $8, pixels_sha256 = $9, prompt_id = $1,
                      backend = attempt.backend, error = null, finished_at = safelight_now()
    from attempt where images.id = attempt.image_id and images.status = 'dispatched'
    returning images.id, batch_id, index, seed, round, queued_at, finished_at
), copies as (
    insert into publications (image_id, publisher)
    select image.id, name
    from image, batch_lock, jsonb_array_elements_text(batch_lock.publishers) as name
    returning id, publisher
), cleared as (
    update deaths set cleared = true from image, batch_lock
    where deaths.pool = batch_lock.pool and deaths.graph = batch_lock.graph and not cleared
), batch as (
    update batches
    set stored = stored + 1,
        last_event = last_event + 1 + (stored + failed + canceled + 1 = quantity)::int,
        last_txid = greatest(last_txid, pg_current_xact_id()),
        ended_at = case when stored + failed + canceled + 1 = quantity then safelight_now() end
    from image where batches.id = image.batch_id
    returning batches.id, character_id, created_at, last_event, last_txid, ended_at,
              case when stored = quantity then 'batch.completed' else 'batch.partial' end as ending,
              stored, failed, canceled
), told as (
    insert into events (batch_id, number, txid, type, image_id, data)
    select batch.id, batch.last_event - (batch.ended_at is not null)::int, batch.last_txid,
           'image.stored', image.id,
           jsonb_build_object('index', image.index, 'seed', image.seed)
    from batch, image
    union all
    select id, last_event, last_txid, ending, null,
           jsonb_build_object('stored', stored, 'failed', failed, 'canceled', canceled)
    from batch where ended_at is not null
)
select batch.id as batch_id, last_event, ended_at is not null as ended, ending, character_id,
       backend, took,
       extract(epoch from finished_at - case when round = 0 then created_at else queued_at end
              )::float8 as seconds,
       array(select array[publisher, id::text] from copies) as copies
from batch, image, attempt
