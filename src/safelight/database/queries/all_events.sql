-- Rows of transactions still open are held back, so that nothing appears behind the cursor.
select batch_id, number, type, image_id, data, at, txid::text as txid, id from events
where (txid, id) > ($1::text::xid8, $2) and txid < pg_snapshot_xmin(pg_current_snapshot())
order by txid, id limit $3
