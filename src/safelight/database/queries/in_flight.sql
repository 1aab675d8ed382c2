select count(*) as in_flight from attempts attempt join images image on image.id = attempt.image_id
where attempt.closed_at is null and image.user_id = $1
