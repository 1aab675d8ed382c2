select id from webhooks where batch_id = $1
