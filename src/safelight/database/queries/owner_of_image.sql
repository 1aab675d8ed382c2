select user_id, character_id from images where id = $1
