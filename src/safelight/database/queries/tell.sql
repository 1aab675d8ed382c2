-- Look through the next events of all batches, in the order of `all_events`, and note for each
-- webhook what it is to be told. Whoever does it holds the place; others pass.
-- $1 how many events
with held as materialized (
    select txid, id from telling for update skip locked
), first as materialized (
    select since_txid as txid, since_id as id from webhooks
    where ended_at is null order by since_txid, since_id limit 1
), place as materialized (
    -- What happened before any of them was there is nobody's.
    select txid, id from (
        select txid, id from held union all select txid, id from first) places
    where exists (select from held) and exists (select from first)
    order by txid desc, id desc limit 1
), page as materialized (
    select event.batch_id, event.number, event.type, event.image_id, event.at, event.txid, event.id
    from events event, place
    where (event.txid, event.id) > (place.txid, place.id)
      and event.txid < pg_snapshot_xmin(pg_current_snapshot())
    order by event.txid, event.id limit $1
), subscribed as materialized (
    -- Whoever is just being removed is waited for, and is then not there.
    select id, origin, events, since_txid, since_id from webhooks
    where batch_id is null and ended_at is null and exists (select from page)
    for key share
), made as (
    insert into deliveries (webhook_id, origin, batch_id, number, type, image_id, at)
    select webhook.id, webhook.origin, page.batch_id, page.number, page.type, page.image_id, page.at
    from page join webhooks webhook on webhook.batch_id = page.batch_id
    where webhook.ended_at is null and page.type = any(webhook.events)
    union all
    select webhook.id, webhook.origin, page.batch_id, page.number, page.type, page.image_id, page.at
    from page join subscribed webhook on page.type = any(webhook.events)
      and (page.txid, page.id) > (webhook.since_txid, webhook.since_id)
    on conflict (webhook_id, batch_id, number) do nothing
    returning id, webhook_id, batch_id, number
), moved as (
    update telling set txid = last.txid, id = last.id
    from (select txid, id from (
              select txid, id from page union all select txid, id from place) places
          order by txid desc, id desc limit 1) last
)
-- Of each batch the first one: whoever ends it wakes the next.
select (select count(*) from page) as looked,
       array(select distinct on (webhook_id, batch_id) id from made
             order by webhook_id, batch_id, number) as first
