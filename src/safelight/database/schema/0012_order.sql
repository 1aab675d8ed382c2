-- The stream of all events gives those of a batch in the order of their numbers.
--
-- An event's txid is its place in that stream: the number of the transaction that wrote it or, where
-- that began before the transaction of an earlier event of its batch, of that one. It is never less
-- than the writer's own, so what is below every open transaction is complete. Every statement that
-- raises last_event raises last_txid with it, under the lock of the batch's row.
alter table batches add column last_txid xid8 not null default '0';
update batches set last_txid = told.txid
    from (select batch_id, max(txid) as txid from events group by batch_id) told
    where batches.id = told.batch_id;
