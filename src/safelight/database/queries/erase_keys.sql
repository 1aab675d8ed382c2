-- $1 batch
delete from idempotency_keys where batch_id = $1
