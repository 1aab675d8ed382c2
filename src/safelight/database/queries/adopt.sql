-- A batch of pictures that were there before: stored from the beginning, with all its events, and
-- with copies to be made at publishers. The row of the series is locked by the caller.
-- $1 batch, $2 user, $3 character, $4 pool, $5 plan, $6 metadata, $7 publishers; a value an image:
-- $8 ids, $9 indices, $10 seeds, $11 attempts, $12 keys, $13 bytes, $14 content types, $15 widths,
-- $16 heights, $17 sha256, $18 pixels
with clock as materialized (
    select safelight_now() as now
), image as materialized (
    select given.*, row_number() over (order by given.index) as place
    from unnest($8::uuid[], $9::bigint[], $10::bigint[], $11::uuid[], $12::text[], $13::bigint[],
                $14::text[], $15::int[], $16::int[], $17::text[], $18::text[])
        as given (id, index, seed, attempt, key, bytes, content_type, width, height, sha256, pixels)
), batch as (
    insert into batches (id, user_id, character_id, prompt, quantity, pool, plan, metadata, stored,
                         started_at, ended_at, deadline, last_event, last_txid, created_at)
    select $1, $2, $3, '', many, $4, $5, $6, many, now, now, now, many + 2,
           pg_current_xact_id(), now
    from clock, (select count(*)::int as many from image) counted
    returning quantity, last_txid
), counted as (
    update series set images = images + quantity, ordered_at = now from batch, clock
    where user_id = $2 and character_id = $3
), members as (
    insert into images (id, batch_id, user_id, character_id, index, pool, status, seed,
                        seed_explicit, turn, key, bytes, content_type, width, height, sha256,
                        pixels_sha256, prompt_id, queued_at, finished_at)
    select id, $1, $2, $3, index, $4, 'stored', seed, false, 0, key, bytes, content_type, width,
           height, sha256, pixels, attempt, now, now
    from image, clock
), copies as (
    insert into publications (image_id, publisher)
    select image.id, name from image, unnest($7::text[]) as name
), told as (
    -- In the order of their numbers: so they are read by whoever listens to everything.
    insert into events (batch_id, number, txid, type, image_id, data)
    select $1, 1 as number, last_txid, 'batch.created', null::uuid,
           jsonb_build_object('indices', (select jsonb_agg(index order by index desc) from image))
    from batch
    union all
    select $1, (1 + place)::int, last_txid, 'image.stored', id,
           jsonb_build_object('index', index, 'seed', seed)
    from image, batch
    union all
    select $1, quantity + 2, last_txid, 'batch.completed', null,
           jsonb_build_object('stored', quantity, 'failed', 0, 'canceled', 0)
    from batch
    order by number
)
select quantity from batch
