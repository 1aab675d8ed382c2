-- How many images would be drawn before the first and before the last of an order, if it was given
-- now: what `reserve.sql` would give it, and nothing is written. Who has the same turn was first.
-- $1 user, $2 pool, $3 graph, $4 cost of the first image, $5 cost of all of them
with pool as materialized (
    select greatest(drawn,
        case when not exists (select from images where pool = $2 and status = 'queued')
             then (select max(turn) from turns where pool = $2) end) as now
    from (select coalesce(max(clock), 0) as drawn from backends where pool = $2) highest
), start as materialized (
    select greatest(now, (select turn from turns where pool = $2 and user_id = $1)) as turn from pool
)
select (select count(*) from images where pool = $2 and status = 'queued' and not (aside or held)
        and turn <= start.turn + $4::bigint) as before_first,
       (select count(*) from images where pool = $2 and status = 'queued' and not (aside or held)
        and turn <= start.turn + $5::bigint) as before_last,
       (select jsonb_build_object('pool', pool, 'graph', graph, 'workflow', workflow,
                                  'backends', backends, 'held_at', held_at)
        from holds where pool = $2 and graph = $3) as hold
from start
