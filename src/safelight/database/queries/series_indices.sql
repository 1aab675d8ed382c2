-- Which indices of a series match, as ranges without holes: in a range, index and place in the line
-- of all that match add up to the same number. All ranges are told, however many there are: whoever
-- lays out a page by them would otherwise lay out a wrong one, and the worst case, every second
-- image of a series, is a few bytes an image.
-- $1 user, $2 character, $3 status, $4 starred, $5 deleted, $6 created before; null: whatever
with matched as (
    select index, index + row_number() over (order by index desc) as island from images
    where user_id = $1 and character_id = $2
      and index < coalesce((select ordered_since($1, $2, $6::timestamptz)), 9223372036854775807)
      and ($3::text is null or status = $3)
      and ($4::bool is null or (starred_at is not null) = $4)
      and ($5::bool is null or (deleted_at is not null) = $5)
      and ($6 is null or (select created_at from batches where id = batch_id) < $6)
), islands as (
    select max(index) as top, min(index) as bottom, count(*) as many from matched group by island
)
select coalesce((select highest from series where user_id = $1 and character_id = $2), 0) as highest,
       coalesce(sum(many), 0)::bigint as count,
       coalesce(array_agg(top order by top desc), '{}') as tops,
       coalesce(array_agg(bottom order by top desc), '{}') as bottoms
from islands
