-- Images of one batch with its row, the batch row first: the order of locks everywhere.
-- $1 batch, or null for that of the image; $2 image, or null for all of the batch
with batch as materialized (
    select id, erased_at is not null as erased from batches
    where id = coalesce($1::uuid, (select batch_id from images where id = $2::uuid))
    for update
)
select image.id, image.batch_id, image.user_id, image.character_id, image.index, image.status,
       image.redraws, image.pool, batch.erased
from batch join images image on image.batch_id = batch.id
where $2::uuid is null or image.id = $2
order by image.index
for update of image
