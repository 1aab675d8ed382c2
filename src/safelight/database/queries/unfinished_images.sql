select image.id from batches batch join images image on image.batch_id = batch.id
where batch.user_id = $1 and batch.ended_at is null
  and image.status in ('queued', 'dispatched') and image.pool = $2
