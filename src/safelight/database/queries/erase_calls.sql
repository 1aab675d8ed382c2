-- $1 batch
delete from calls where batch_id = $1
