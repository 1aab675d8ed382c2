-- queued -> dispatched. No row: the epoch is old, the lease has run out, or it is not queued.
-- $1 image, $2 prompt id, $3 backend, $4 epoch, $5 slot, $6 seconds the lease must still last,
-- $7 its pool: are there others in line?
with driver as (
    select 1 from backends
    where name = $3 and epoch = $4 and lease_until > safelight_now() + make_interval(secs => $6)
), image as (
    update images set status = 'dispatched', prompt_id = $2, backend = $3,
                      dispatched_at = safelight_now()
    where id = $1 and status = 'queued' and exists (select from driver)
    returning id, batch_id, index, round, seed
), attempt as (
    insert into attempts (prompt_id, image_id, round, backend, epoch, slot, seed)
    select $2, image.id, image.round, $3, $4, $5, image.seed from image
    returning opened_at
), batch as (
    update batches set last_event = last_event + 1,
                       started_at = coalesce(started_at, safelight_now())
    from image where batches.id = image.batch_id
    returning batches.id, last_event
), told as (
    insert into events (batch_id, number, type, image_id, data)
    select batch.id, batch.last_event, 'image.dispatched', image.id,
           jsonb_build_object('index', image.index, 'backend', $3::text, 'prompt_id', $2::uuid)
    from batch, image
)
select opened_at,
       exists (select from images where pool = $7 and status = 'queued' and id <> $1) as more
from attempt
