-- The user's next turns, for images that are ordered already; `reserve.sql` does so for new ones.
-- The row of the user's turns is locked, so only a backend's row is waited for.
-- $1 pool, $2 user, $3 cost of all images
with pool as materialized (
    select drawn, greatest(drawn,
        case when not exists (select from images where pool = $1 and status = 'queued')
             then (select max(turn) from turns where pool = $1) end) as now
    from (select coalesce(max(clock), 0) as drawn from backends where pool = $1) highest
), anew as (
    update backends set clock = pool.now from pool
    where pool.now > pool.drawn and name = (select min(name) from backends where pool = $1)
)
insert into turns as t (pool, user_id, turn)
select $1, $2, pool.now + $3::bigint from pool
on conflict (pool, user_id) do update
    set turn = greatest(t.turn, (select now from pool)) + $3::bigint
returning turn - $3::bigint as turn
