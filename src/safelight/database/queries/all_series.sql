select user_id, character_id, highest from series
