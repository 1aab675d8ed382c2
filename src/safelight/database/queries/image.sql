select id, batch_id, user_id, character_id, index, seed, status, seed_explicit, seed_replaced, key,
       bytes, content_type, width, height, sha256, pixels_sha256, prompt_id, backend, error,
       queued_at, dispatched_at, finished_at, deleted_at
from images where id = $1
