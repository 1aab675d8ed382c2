delete from webhooks where id = $1 and batch_id is null returning id
