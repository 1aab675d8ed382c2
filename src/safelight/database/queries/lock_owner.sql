-- The same for the user of an image. $1 image, $2 what is counted
select user_id, pg_advisory_xact_lock(hashtextextended(user_id, $2)) from images where id = $1
