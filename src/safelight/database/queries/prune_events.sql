-- Events of batches that ended long ago, whole batches at once: a history that lacks its beginning
-- would be told as if it were whole. Answers how many are gone, and notes the newest of them. What
-- a webhook is still to be told of stays.
-- $1 days, $2 how many are looked at: small bites, so that nobody waits.
with aged as (
    select distinct batch_id from (
        select event.batch_id from events event
        join batches batch on batch.id = event.batch_id
        where event.at < safelight_now() - make_interval(days => $1)
          and batch.ended_at < safelight_now() - make_interval(days => $1)
          and (not exists (select from webhooks where ended_at is null)
               or (event.txid, event.id) <= (select txid, id from telling))
        limit $2) old
), gone as (
    delete from events using aged where events.batch_id = aged.batch_id
    returning events.txid, events.id
), noted as (
    update installation set pruned_txid = newest.txid, pruned_id = newest.id
    from (select txid, id from gone order by txid desc, id desc limit 1) newest
    where (pruned_txid, pruned_id) < (newest.txid, newest.id)
)
select count(*) from gone
