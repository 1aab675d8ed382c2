insert into store (identity, place) values ($1, $2)
on conflict (one) do update
    set identity = excluded.identity, place = excluded.place, since = safelight_now()
