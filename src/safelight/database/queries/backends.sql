select name, url, pool, slots, owner::text, state, reason, draining, seen_at,
       case when until > safelight_now() then until end as until,
       (select count(*) from attempts where backend = name and closed_at is null) as running,
       (select count(*) from attempts where backend = name
        and ghost_at > safelight_now() - interval '1 day') as ghosts,
       lease_until > safelight_now() as leased,
       array(select other.name from backends other
             where other.name = any (backends.shares_output) and other.address <> ''
             order by other.name) as shares_output
from backends order by name
