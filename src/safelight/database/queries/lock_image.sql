-- The batch row first, then the image row: the order of locks everywhere.
with batch as materialized (
    select id, plan, quantity, stored, failed, canceled, deadline, last_event, traceparent
    from batches where id = (select batch_id from images where id = $1)
    for update
)
select image.id, image.batch_id, image.user_id, image.character_id, image.index, image.status,
       image.seed, image.seed_explicit, image.seed_replaced, image.redraws, image.turn,
       image.tries, image.round, image.not_on, image.pool,
       image.cancel_asked_at is not null as unwanted, batch.plan, batch.quantity, batch.deadline,
       batch.traceparent,
       extract(epoch from batch.deadline - safelight_now())::float8 as left
from batch join images image on image.batch_id = batch.id
where image.id = $1
for update of image
