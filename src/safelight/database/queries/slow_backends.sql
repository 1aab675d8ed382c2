-- Backends that take far longer than the others of their pool for the same workflow: by how many
-- times. What a rendering takes is counted from when the backend could begin with it (it was sent,
-- or the one before it ended), the newest of the last day.
-- $1 times, $2 seconds that it must take longer as well
with newest as (
    select backends.name, backends.pool, each.workflow, each.outcome = 'stored' as counts,
           extract(epoch from each.closed_at - greatest(each.opened_at,
               lag(each.closed_at) over (partition by backends.name order by each.closed_at))
           )::float8 as seconds
    from backends cross join lateral (
        select opened_at, closed_at, outcome, workflow from attempts
        where backend = backends.name and closed_at > safelight_now() - interval '1 day'
        order by closed_at desc limit 30) each
    where lease_until > safelight_now()
), usual as (
    select name, pool, workflow, percentile_cont(0.5) within group (order by seconds) as seconds
    from newest where counts and workflow is not null
    group by name, pool, workflow having count(*) >= 3
)
select usual.name, max(usual.seconds / others.seconds) as times
from usual cross join lateral (
    select percentile_cont(0.5) within group (order by other.seconds) as seconds from usual other
    where other.pool = usual.pool and other.workflow = usual.workflow and other.name <> usual.name
) others
where usual.seconds >= $1 * others.seconds and usual.seconds >= $2 + others.seconds
group by usual.name
