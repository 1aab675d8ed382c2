-- Until commit nobody else is given turns of this batch's user in its pool: the first lock of a retry.
-- $1 batch, or null for that of the image; $2 image
select turn from turns
where (pool, user_id) = (
    select pool, user_id from batches
    where id = coalesce($1::uuid, (select batch_id from images where id = $2::uuid)))
for update
