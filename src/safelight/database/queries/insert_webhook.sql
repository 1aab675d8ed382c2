-- $1 id, $2 batch, null for a subscription, $3 url, $4 origin, $5 events, $6 base, $7 secret,
-- $8 most subscriptions. No row: there are so many already.
insert into webhooks (id, batch_id, url, origin, events, base, secret, since_txid, since_id)
select $1, $2, $3, $4, $5, $6, $7,
       (pg_snapshot_xmin(pg_current_snapshot())::text::numeric - 1)::text::xid8,
       9223372036854775807
where $2::uuid is not null or (select count(*) from webhooks where batch_id is null) < $8
returning created_at
