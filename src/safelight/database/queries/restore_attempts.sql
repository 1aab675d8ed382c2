-- Open attempts are void: whoever opened them can write nothing, their images wait again in their
-- old place. What the backends still render of them is cancelled like every prompt of a closed
-- attempt.
with closed as (
    update attempts set closed_at = safelight_now(), outcome = 'lost',
                        detail = 'the database was restored from a backup'
    where closed_at is null
), waiting as (
    update images set status = 'queued', tries = tries + 1, queued_at = safelight_now(),
                      prompt_id = null, backend = null
    where status = 'dispatched'
    returning id, batch_id, index, seed
), numbered as (
    select waiting.*, row_number() over (partition by batch_id order by index) as place
    from waiting
), counted as (
    update batches set last_event = batches.last_event + members.count,
                       last_txid = greatest(last_txid, pg_current_xact_id())
    from (select batch_id, count(*)::int as count from waiting group by batch_id) members
    where batches.id = members.batch_id
    returning batches.id, batches.last_event - members.count as before, last_txid
), told as (
    insert into events (batch_id, number, txid, type, image_id, data)
    select counted.id, counted.before + numbered.place, counted.last_txid, 'image.queued',
           numbered.id,
           jsonb_build_object('index', index, 'seed', seed, 'reason', 'lost')
    from numbered join counted on counted.id = numbered.batch_id
    order by counted.id, numbered.place
)
select count(*) from waiting
