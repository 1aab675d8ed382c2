-- queued -> dispatched, with the locks it needs, in one round trip. Answers how the image is, and
-- whether it was `dispatched`; if not: it is not queued, its deadline has passed, it is not to be
-- drawn by this backend, its graph is `held`, the backend is `draining`, or the lease is not ours (`leased` is false: the epoch
-- is old).
-- $1 image, $2 prompt id, $3 backend, $4 epoch, $5 slot, $6 seconds the lease must still last
with batch_lock as materialized (
    select id, plan, quantity, traceparent, deadline - safelight_now() as left
    from batches where id = (select batch_id from images where id = $1)
    for update
), image_lock as materialized (
    select image.id, image.batch_id, image.user_id, image.character_id, image.index, image.status,
           image.seed, image.redraws, image.round, image.not_on, image.pool, image.turn,
           image.cancel_asked_at is not null as unwanted, batch_lock.plan, batch_lock.quantity,
           batch_lock.traceparent,
           exists (select from holds where holds.pool = image.pool
                   and holds.graph = batch_lock.plan ->> 'graph') as held,
           extract(epoch from batch_lock.left)::float8 as left
    from batch_lock join images image on image.batch_id = batch_lock.id
    where image.id = $1
    for update of image
), driver as materialized (
    select draining from backends
    where name = $3 and epoch = $4 and lease_until > safelight_now() + make_interval(secs => $6)
), image as (
    update images set status = 'dispatched', prompt_id = $2, backend = $3,
                      dispatched_at = safelight_now()
    from image_lock
    where images.id = image_lock.id and image_lock.status = 'queued' and image_lock.left > 0
      and not image_lock.held
      and not ($3 = any (image_lock.not_on)) and exists (select from driver where not draining)
    returning images.id, images.batch_id, images.index, images.round, images.seed, images.turn
), clock as (
    update backends set clock = image.turn from image
    where backends.name = $3 and backends.clock < image.turn
), attempt as (
    insert into attempts (prompt_id, image_id, round, backend, epoch, slot, seed, workflow)
    select $2, image.id, image.round, $3, $4, $5, image.seed, image_lock.plan ->> 'workflow'
    from image, image_lock
), batch as (
    update batches set last_event = last_event + 1,
                       last_txid = greatest(last_txid, pg_current_xact_id()),
                       started_at = coalesce(started_at, safelight_now())
    from image where batches.id = image.batch_id
    returning batches.id, last_event, last_txid
), told as (
    insert into events (batch_id, number, txid, type, image_id, data)
    select batch.id, batch.last_event, batch.last_txid, 'image.dispatched', image.id,
           jsonb_build_object('index', image.index, 'backend', $3::text, 'prompt_id', $2::uuid)
    from batch, image
)
select image_lock.*, exists (select from image) as dispatched, exists (select from driver) as leased,
       coalesce((select draining from driver), false) as draining,
       exists (select from images other
               where other.pool = image_lock.pool and other.status = 'queued' and other.id <> $1
              ) as more
from image_lock
