-- Oldest first. $1 id, null: all
select id, name, scopes, created_at, expires_at, revoked_at, last_used_at, batches_per_minute,
       images_per_day
from api_keys where $1::text is null or id = $1
order by created_at, id
