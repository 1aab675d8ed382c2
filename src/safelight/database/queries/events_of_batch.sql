select batch_id, number, type, image_id, data, at from events
where batch_id = $1 and number > $2 order by number limit $3
