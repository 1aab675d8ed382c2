insert into characters (id, document) values ($1, $2)
on conflict (id) do update set document = excluded.document, updated_at = now()
returning xmax = 0 as is_new
