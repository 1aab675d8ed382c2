-- How quotas would stand with an order, without counting it and without waiting for anybody.
-- $1 key, $2 user, $3 images; as the settings say, null: any: $4 batches a minute of one key,
-- $5 images a day of one key, $6 images a day for one user
select name, most, seconds as "window", coalesce(used, 0) + many as used, many as counted,
       coalesce(extract(epoch from begins - safelight_now()), 0)::float8 + seconds as resets
from asked_quotas($1, $2, $3, $4, $5, $6) asked
left join quotas known on known.subject = asked.subject and known.quota = asked.quota
                      and safelight_now() < begins + make_interval(secs => seconds)
where most is not null
order by name
