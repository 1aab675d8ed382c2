-- $1 batch
update attempts set detail = null
where detail is not null and image_id in (select id from images where batch_id = $1)
