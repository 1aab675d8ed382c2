-- The range of indices and the user's next turns, in one statement: both rows stay locked until
-- commit, so this is the last thing before the inserts. `core/fairness.py` says what the clock is.
-- $1 user, $2 character, $3 quantity, $4 seed key for a new series, $5 pool, $6 cost of all images
with reserved as (
    insert into series as s (user_id, character_id, highest, seed_key, images)
    values ($1, $2, $3, $4, $3)
    on conflict (user_id, character_id) do update
        set highest = s.highest + $3, images = s.images + $3, ordered_at = safelight_now()
    returning highest, seed_key
), pool as materialized (
    select drawn, greatest(drawn,
        case when not exists (select from images where pool = $5 and status = 'queued')
             then (select max(turn) from turns where pool = $5) end) as now
    from (select coalesce(max(clock), 0) as drawn from backends where pool = $5) highest
), anew as (
    -- Turns were given and never drawn: their images were canceled, or failed in line.
    update backends set clock = pool.now from pool
    where pool.now > pool.drawn and name = (select min(name) from backends where pool = $5)
), taken as (
    insert into turns as t (pool, user_id, turn)
    select $5, $1, pool.now + $6::bigint from pool, reserved
    on conflict (pool, user_id) do update
        set turn = greatest(t.turn, (select now from pool)) + $6::bigint
    returning turn
)
select highest, seed_key, turn - $6::bigint as turn from reserved, taken
