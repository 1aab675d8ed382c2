select attempt.prompt_id, attempt.image_id, attempt.backend, attempt.epoch, attempt.slot,
       attempt.seed, attempt.opened_at,
       extract(epoch from safelight_now() - attempt.opened_at)::float8 as age,
       image.batch_id, image.user_id, image.character_id, image.index, batch.plan,
       batch.traceparent,
       extract(epoch from batch.deadline - safelight_now())::float8 as left
from attempts attempt
join images image on image.id = attempt.image_id
join batches batch on batch.id = image.batch_id
where attempt.backend = $1 and attempt.closed_at is null
