-- Series that have images, those first that were ordered from last. Each way to a page has an index:
-- everybody's, some users', some characters'. Of their images only the newest picture is looked at,
-- and those that are counted because they are not stored.
-- $1 users, $2 characters (null: all), $3, $4 and $5 moment, user and character of the last one of
-- the page before (null: none), $6 how many
with page as materialized (
    (select user_id, character_id, highest, images, ordered_at from series
     where $1::text[] is null and $2::text[] is null and images > 0
       and (ordered_at, user_id, character_id)
           < (coalesce($3::timestamptz, 'infinity'), coalesce($4::text, ''), coalesce($5::text, ''))
     order by ordered_at desc, user_id desc, character_id desc limit $6)
    union all
    (select user_id, character_id, highest, images, ordered_at from series
     where user_id = any($1) and ($2 is null or character_id = any($2)) and images > 0
       and (ordered_at, user_id, character_id)
           < (coalesce($3, 'infinity'), coalesce($4, ''), coalesce($5, ''))
     order by ordered_at desc, user_id desc, character_id desc limit $6)
    union all
    (select found.* from unnest($2) as asked (id) cross join lateral (
        select user_id, character_id, highest, images, ordered_at from series
        where character_id = asked.id and images > 0
          and (ordered_at, user_id) <= (coalesce($3, 'infinity'), coalesce($4, ''))
          and (ordered_at, user_id, character_id)
              < (coalesce($3, 'infinity'), coalesce($4, ''), coalesce($5, ''))
        order by ordered_at desc, user_id desc limit $6) found
     where $1 is null)
    order by ordered_at desc, user_id desc, character_id desc limit $6
)
select page.*, unstored.counts, latest.id as latest_id, latest.index as latest_index
from page cross join lateral (
    select coalesce(jsonb_object_agg(status, many), '{}') as counts from (
        select status, count(*) as many from images image
        where image.user_id = page.user_id and image.character_id = page.character_id
          and status <> 'stored'
        group by status) counted
) unstored left join lateral (
    select id, index from images image
    where image.user_id = page.user_id and image.character_id = page.character_id
      and status = 'stored' and deleted_at is null
    order by index desc limit 1
) latest on true
order by ordered_at desc, page.user_id desc, page.character_id desc
