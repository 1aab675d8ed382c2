-- How images of a series are, highest index first; where there is none, there is no row.
-- $1 user, $2 character, $3 indices
select index, status, deleted_at is not null as deleted, bytes,
       extract(epoch from finished_at)::bigint as stored_at
from images where user_id = $1 and character_id = $2 and index = any($3)
order by index desc
