-- Rows of transactions still open are held back, so that nothing appears behind the cursor.
-- The order is that of the column, a number: the text of the same name would put 1000 before 999.
select batch_id, number, type, image_id, data, at, txid::text as txid, id from events
where (txid, id) > ($1::text::xid8, $2) and txid < pg_snapshot_xmin(pg_current_snapshot())
order by events.txid, events.id limit $3
