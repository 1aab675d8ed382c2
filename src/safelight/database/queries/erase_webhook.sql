-- The batch's own webhook, whose address somebody chose, and what it was told. $1 batch
delete from webhooks where batch_id = $1
