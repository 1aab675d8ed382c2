-- How the whole system is, in one statement: what waits in each pool, each backend that was driven
-- or configured within a day, what waits to be copied to each publisher, and the messages that wait.
-- $1 how many rows of each kind are counted at most
with waiting as materialized (
    select pool, queued_at, held from images where status = 'queued' limit $1
), lines as (
    select pool, count(*) as depth, min(queued_at) filter (where not held) as oldest
    from waiting group by pool
), driven as (
    select *, lease_until > safelight_now() as leased from backends
    where greatest(lease_until, seen_at, configured_at) > safelight_now() - interval '1 day'
)
select 'line' as kind, name, '' as pool, coalesce(depth, 0) as many,
       coalesce(extract(epoch from safelight_now() - oldest), 0)::float8 as seconds,
       0 as slots, '' as state, null as reason, false as leased, false as draining
from (select pool as name from driven union select pool from lines) pools
left join lines on lines.pool = pools.name
union all
select 'backend', name, pool,
       (select count(*) from attempts where backend = name and closed_at is null), 0,
       slots, state, reason, leased, draining
from driven
union all
select 'copies', publisher, '', count(*), 0, 0, '', null, false, false
from (select publisher from publications where status = 'pending' limit $1) pending
group by publisher
union all
select 'deliveries', '', '', count(*), 0, 0, '', null, false, false
from (select from deliveries where status = 'pending' limit $1) pending
order by kind, name
