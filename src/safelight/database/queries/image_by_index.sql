select id from images where user_id = $1 and character_id = $2 and index = $3
