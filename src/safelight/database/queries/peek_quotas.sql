-- How quotas would stand with an order, without counting it and without waiting for anybody.
-- $1 key, $2 user, $3 images; as the settings say, null: any: $4 batches a minute of one key,
-- $5 images a day of one key, $6 images a day for one user
with asked as (
    select 'batches' as name, 'key:' || id as subject, 'batches' as quota, 60 as seconds,
           1::bigint as many, coalesce(batches_per_minute, $4::int) as most
    from api_keys where id = $1
    union all
    select 'images', 'key:' || id, 'images', 86400, $3::bigint, coalesce(images_per_day, $5::int)
    from api_keys where id = $1
    union all
    select 'user-images', 'user:' || $2::text, 'images', 86400, $3::bigint, $6::int
)
select name, most, seconds as "window", coalesce(used, 0) + many as used, many as counted,
       coalesce(extract(epoch from begins - safelight_now()), 0)::float8 + seconds as resets
from asked
left join quotas known on known.subject = asked.subject and known.quota = asked.quota
                      and safelight_now() < begins + make_interval(secs => seconds)
where most is not null
order by name
