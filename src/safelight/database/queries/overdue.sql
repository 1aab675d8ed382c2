-- Queued images of batches whose deadline has passed.
select image.id from batches batch join images image on image.batch_id = batch.id
where batch.ended_at is null and batch.deadline < safelight_now() and image.status = 'queued'
order by image.batch_id, image.id limit $1
