-- Count an order; nothing where nothing is limited. Rows are locked in one order, until commit.
-- $1 key, $2 user, $3 images; as the settings say, null: any: $4 batches a minute of one key,
-- $5 images a day of one key, $6 images a day for one user
with asked as (
    select * from asked_quotas($1, $2, $3, $4, $5, $6)
), used as (
    insert into quotas as known (subject, quota, begins, used)
    select subject, quota, safelight_now(), many from asked where most is not null
    order by subject, quota
    on conflict (subject, quota) do update
    set begins = case when excluded.begins < known.begins + make_interval(
                      secs => case known.quota when 'batches' then 60 else 86400 end)
                 then known.begins else excluded.begins end,
        used = case when excluded.begins < known.begins + make_interval(
                    secs => case known.quota when 'batches' then 60 else 86400 end)
               then known.used else 0 end + excluded.used
    returning subject, quota, begins, used
)
select name, most, seconds as "window", used, many as counted,
       extract(epoch from begins - safelight_now())::float8 + seconds as resets
from used join asked using (subject, quota) order by name
