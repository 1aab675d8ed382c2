-- dispatched | failed -> queued. The image row is locked by the caller.
-- $1 image, $2 source, $3 seed, $4 redraws, $5 backend to avoid or null, $6 outcome told as reason,
-- $7 true for a new round (somebody asked), $8 its turn then, null for the one it has
with image as (
    update images
    set status = 'queued', seed = $3, redraws = $4, tries = tries + 1,
        seed_replaced = seed_replaced or (seed_explicit and seed <> $3),
        not_on = case when $7 then '{}'
                      when $5::text is null or $5 = any(not_on) then not_on
                      else not_on || $5::text end,
        round = round + $7::int, turn = coalesce($8, turn), aside = false, held = false,
        queued_at = safelight_now(), dispatched_at = null, finished_at = null, error = null,
        prompt_id = null, backend = null,
        cancel_asked_at = case when $7 then null else cancel_asked_at end
    where id = $1 and status = $2
    returning id, batch_id, index, seed, pool, turn, tries
), batch as (
    update batches
    set last_event = last_event + 1, last_txid = greatest(last_txid, pg_current_xact_id()),
        failed = failed - ($2 = 'failed')::int, ended_at = null
    from image where batches.id = image.batch_id
    returning batches.id, last_event, last_txid
), told as (
    insert into events (batch_id, number, txid, type, image_id, data)
    select batch.id, batch.last_event, batch.last_txid, 'image.queued', image.id,
           jsonb_build_object('index', image.index, 'seed', image.seed, 'reason', $6::text)
    from batch, image
)
select pool, turn, tries from image
