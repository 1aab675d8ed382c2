-- Rows of transactions still open are held back, so that nothing appears behind the cursor.
-- The order is that of the column, a number: the text of the same name would put 1000 before 999.
-- Everybody's, with whose they are: one reader serves all who listen, and who reads alone goes on
-- behind what it may not hear.
-- $1 and $2 the cursor, $3 how many
with page as materialized (
    select * from events
    where (txid, id) > ($1::text::xid8, $2) and txid < pg_snapshot_xmin(pg_current_snapshot())
    order by txid, id limit $3
)
select page.batch_id, page.number, page.type, page.image_id, page.data, page.at,
       page.txid::text as txid, page.id, batch.user_id, batch.character_id
from page join batches batch on batch.id = page.batch_id
order by page.txid, page.id
