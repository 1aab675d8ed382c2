-- $1 batch
delete from previews where image_id in (select id from images where batch_id = $1)
