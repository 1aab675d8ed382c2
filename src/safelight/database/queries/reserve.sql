-- The range of indices and the user's next turns, in one statement: both rows stay locked until
-- commit, so this is the last thing before the inserts.
-- $1 user, $2 character, $3 quantity, $4 seed key for a new series, $5 pool, $6 cost of one image
with reserved as (
    insert into series as s (user_id, character_id, highest, seed_key)
    values ($1, $2, $3, $4)
    on conflict (user_id, character_id) do update set highest = s.highest + excluded.highest
    returning highest, seed_key
), clock as (
    select coalesce(
        (select min(turn) from images where pool = $5 and status = 'queued'),
        (select max(turn) from turns where pool = $5),
        0) as now
), taken as (
    insert into turns as t (pool, user_id, turn)
    select $5, $1, clock.now + $3 * $6::bigint from clock, reserved
    on conflict (pool, user_id) do update
        set turn = greatest(t.turn, (select now from clock)) + $3 * $6::bigint
    returning turn
)
select highest, seed_key, turn - $3 * $6::bigint as turn from reserved, taken
