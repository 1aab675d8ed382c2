-- In a pool that is new to it, its clock begins at the head of the line.
-- $1 name, $2 url, $3 pool, $4 slots, $5 address, $6 host
insert into backends (name, url, pool, slots, address, host, clock)
values ($1, $2, $3, $4, $5, $6,
        coalesce((select min(turn) from images where pool = $3 and status = 'queued'), 0))
on conflict (name) do update
    set url = excluded.url, pool = excluded.pool, slots = excluded.slots, configured_at = now(),
        clock = case when backends.pool = excluded.pool then backends.clock else excluded.clock end,
        address = excluded.address, host = excluded.host,
        twin = case when (backends.address, backends.host) = (excluded.address, excluded.host)
                    then backends.twin end,
        shares_output = case when (backends.address, backends.host)
                                  = (excluded.address, excluded.host)
                             then backends.shares_output else '{}' end
