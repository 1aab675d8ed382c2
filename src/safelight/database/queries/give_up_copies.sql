-- Copies that wait for an upload that cannot come any more, told like any that fail. The rows of
-- their batches are locked.
-- $1 images, $2 why
with failed as (
    update publications set status = 'failed', reason = $2, finished_at = safelight_now()
    where image_id = any($1::uuid[]) and status = 'pending'
    returning image_id, publisher
), numbered as (
    select image.batch_id, image.id, image.index, failed.publisher,
           row_number() over (partition by image.batch_id order by image.index, publisher)::int as n
    from failed join images image on image.id = failed.image_id
), counted as (
    update batches set last_event = last_event + members.count,
                       last_txid = greatest(last_txid, pg_current_xact_id())
    from (select batch_id, count(*)::int as count from numbered group by batch_id) members
    where batches.id = members.batch_id
    returning batches.id, last_event - members.count as before, last_txid
)
insert into events (batch_id, number, txid, type, image_id, data)
select counted.id, counted.before + numbered.n, counted.last_txid, 'publication.failed', numbered.id,
       jsonb_build_object('index', numbered.index, 'publisher', numbered.publisher, 'reason', $2::text)
from numbered join counted on counted.id = numbered.batch_id
order by counted.id, numbered.n
