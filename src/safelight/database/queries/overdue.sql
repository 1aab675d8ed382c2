-- Queued images of batches whose deadline has passed.
select image.id from images image join batches batch on batch.id = image.batch_id
where image.status = 'queued' and batch.deadline < safelight_now()
order by image.batch_id, image.id limit $1
