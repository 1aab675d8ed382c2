-- $1 image
select id, key, bytes, sha256, deleted_at is not null as deleted, prompt_id, backend, pool
from images where id = $1
