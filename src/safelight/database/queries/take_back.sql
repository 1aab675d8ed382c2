-- queued -> dispatched by an attempt that was given up before, or in place of the attempt that
-- carries the image now (then nothing is told: it stays dispatched). The image row is locked, its
-- open attempts are closed by the caller. No row: the lease is not ours, or it was another try.
-- $1 prompt id, $2 backend, $3 epoch, $4 slot, $5 seconds the lease must still last
with before as materialized (
    select image.id, image.status = 'queued' as queued, image.round, image.seed
    from attempts join images image on image.id = attempts.image_id
    where attempts.prompt_id = $1 and image.status in ('queued', 'dispatched')
), attempt as (
    update attempts
    set closed_at = null, outcome = null, detail = null, epoch = $3, slot = $4
    from before
    where prompt_id = $1 and outcome = 'lost' and attempts.round = before.round
      and attempts.seed = before.seed
      and exists (select from backends where name = $2 and epoch = $3
                  and lease_until > safelight_now() + make_interval(secs => $5))
    returning attempts.image_id, before.queued
), image as (
    update images
    set status = 'dispatched', prompt_id = $1, backend = $2,
        dispatched_at = case when attempt.queued then safelight_now() else dispatched_at end
    from attempt where images.id = attempt.image_id
    returning images.id, batch_id, index, attempt.queued
), batch as (
    update batches set last_event = last_event + 1,
                       last_txid = greatest(last_txid, pg_current_xact_id())
    from image where batches.id = image.batch_id and image.queued
    returning batches.id, last_event, last_txid
), told as (
    insert into events (batch_id, number, txid, type, image_id, data)
    select batch.id, batch.last_event, batch.last_txid, 'image.dispatched', image.id,
           jsonb_build_object('index', image.index, 'backend', $2::text, 'prompt_id', $1::uuid)
    from batch, image
)
select batch_id from image
