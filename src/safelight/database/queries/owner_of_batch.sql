select user_id, character_id from batches where id = $1
