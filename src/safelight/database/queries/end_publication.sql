-- pending -> uploaded | failed, with its event. The batch row is locked first, as everywhere. Whoever
-- has seen it lie there is believed, also when its claim has run out.
-- $1 publication, $2 batch, $3 target, $4 url, $5 bytes, $6 md5, $7 sha256, $8 reason
with batch_lock as materialized (
    select id from batches where id = $2 for update
), publication as (
    update publications
    set status = $3, url = $4, bytes = $5, md5 = $6, sha256 = $7, reason = $8,
        finished_at = safelight_now(), claimed_by = null, claimed_until = null
    from batch_lock
    where publications.id = $1 and publications.status = 'pending'
    returning image_id, publisher
), batch as (
    update batches set last_event = last_event + 1,
                       last_txid = greatest(last_txid, pg_current_xact_id())
    from publication where batches.id = $2
    returning batches.id, last_event, last_txid
)
insert into events (batch_id, number, txid, type, image_id, data)
select batch.id, batch.last_event, batch.last_txid, 'publication.' || $3, publication.image_id,
       jsonb_strip_nulls(jsonb_build_object(
           'index', image.index, 'publisher', publication.publisher, 'url', $4::text,
           'reason', $8::text))
from batch, publication join images image on image.id = publication.image_id
returning batch_id
