-- Whether anybody is to be told of anything, and whether there are events nobody looked through.
select exists (select from webhooks where ended_at is null) as anybody,
       exists (select from events, telling
               where (events.txid, events.id) > (telling.txid, telling.id)
                 and events.txid < pg_snapshot_xmin(pg_current_snapshot())) as behind
