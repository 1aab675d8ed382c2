-- In a pool that is new to it, its clock begins at the head of the line.
insert into backends (name, url, pool, slots, clock)
values ($1, $2, $3, $4,
        coalesce((select min(turn) from images where pool = $3 and status = 'queued'), 0))
on conflict (name) do update
    set url = excluded.url, pool = excluded.pool, slots = excluded.slots, configured_at = now(),
        clock = case when backends.pool = excluded.pool then backends.clock else excluded.clock end
