insert into workflows (id, graph, slots, exact_size) values ($1, $2, $3, $4)
on conflict (id) do update set graph = excluded.graph, slots = excluded.slots,
                               exact_size = excluded.exact_size, updated_at = now()
returning xmax = 0 as is_new
