-- $1 id, $2 user, $3 character, $4 prompt, $5 quantity, $6 pool, $7 plan, $8 metadata,
-- $9 seconds to the deadline, $10 image ids, $11 indices, $12 seeds, $13 seed explicit, $14 turns,
-- $15 the last turn that gets a place in the line, null for all, $16 where in a trace,
-- $17 parameters
with clock as materialized (
    select safelight_now() as now
), batch as (
    insert into batches (id, user_id, character_id, prompt, quantity, pool, plan, metadata,
                         deadline, last_event, last_txid, created_at, traceparent, parameters)
    select $1, $2, $3, $4, $5, $6, $7, $8, now + make_interval(secs => $9), 1,
           pg_current_xact_id(), now, $16, $17
    from clock
    returning created_at, deadline, last_txid
), members as (
    insert into images (id, batch_id, user_id, character_id, index, pool, seed, seed_explicit,
                        turn, aside, queued_at)
    select image.id, $1, $2, $3, image.index, $6, image.seed, $13, image.turn,
           coalesce(image.turn > $15, false), clock.now
    from clock, unnest($10::uuid[], $11::bigint[], $12::bigint[], $14::bigint[])
        as image (id, index, seed, turn)
), told as (
    insert into events (batch_id, number, txid, type, data)
    select $1, 1, last_txid, 'batch.created', jsonb_build_object('indices', $11::bigint[]) from batch
)
select created_at, deadline from batch
