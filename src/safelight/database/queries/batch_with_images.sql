-- One row an image, highest index first, the batch's columns repeated: one snapshot of both.
select batch.id, batch.user_id, batch.character_id, batch.prompt, batch.quantity, batch.pool,
       batch.plan ->> 'workflow' as workflow, batch.metadata, batch.stored, batch.failed,
       batch.canceled, batch.started_at, batch.ended_at, batch.deadline, batch.last_event,
       batch.created_at, batch.traceparent, batch.parameters,
       image.id as image_id, image.index, image.seed, image.status, image.seed_explicit,
       image.seed_replaced, image.key, image.bytes, image.content_type, image.width, image.height,
       image.sha256, image.pixels_sha256, image.prompt_id, image.backend, image.error,
       image.queued_at, image.dispatched_at, image.finished_at, image.deleted_at,
       image.starred_at, publications_of(image.id, batch.plan) as publications,
       batch.id as batch_id
from batches batch join images image on image.batch_id = batch.id
where batch.id = $1 order by image.index desc
