-- The same for some indices only: what was adopted or ordered meanwhile.
select index, prompt_id, bytes, deleted_at is not null as deleted,
       case when status = 'stored' then pixels_sha256 end as pixels
from images where user_id = $1 and character_id = $2 and index = any($3::bigint[])
