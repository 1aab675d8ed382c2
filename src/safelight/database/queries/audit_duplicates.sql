-- Images of one series with the same bytes. One explicit seed may well be drawn in several batches.
-- $1 user, null for all
select user_id, character_id, sha256, array_agg(index order by index) as indices
from images
where status = 'stored' and deleted_at is null and ($1::text is null or user_id = $1)
group by user_id, character_id, sha256
having count(*) > 1
   and not (bool_and(seed_explicit) and min(seed) = max(seed)
            and count(distinct batch_id) = count(*))
order by user_id, character_id, sha256
