-- Rows of transactions still open are held back, so that nothing appears behind the cursor.
-- The order is that of the column, a number: the text of the same name would put 1000 before 999.
-- $1 and $2 the cursor, $3 how many, $4 and $5 users and characters that are reached (null: all)
select event.batch_id, number, type, image_id, data, at, txid::text as txid, event.id
from events event
where (txid, event.id) > ($1::text::xid8, $2) and txid < pg_snapshot_xmin(pg_current_snapshot())
  and ($4::text[] is null and $5::text[] is null or exists (
        select from batches where batches.id = batch_id
          and ($4::text[] is null or user_id = any($4))
          and ($5::text[] is null or character_id = any($5))))
order by event.txid, event.id limit $3
