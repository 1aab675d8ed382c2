-- In another pool its clock counts from the beginning.
insert into backends (name, url, pool, slots) values ($1, $2, $3, $4)
on conflict (name) do update
    set url = excluded.url, pool = excluded.pool, slots = excluded.slots, configured_at = now(),
        clock = case when backends.pool = excluded.pool then backends.clock else 0 end
