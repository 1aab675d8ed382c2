select seed_key from series where user_id = $1 and character_id = $2
