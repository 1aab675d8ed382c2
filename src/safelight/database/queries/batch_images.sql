select image.id, batch_id, image.user_id, image.character_id, index, seed, status, seed_explicit,
       seed_replaced, key, bytes, content_type, width, height, sha256, pixels_sha256, prompt_id,
       backend, error, queued_at, dispatched_at, finished_at, deleted_at,
       starred_at, publications_of(image.id, batch.plan) as publications
from images image join batches batch on batch.id = batch_id where batch_id = any($1) order by index desc
