insert into graphs (sha256, graph) values ($1, $2) on conflict do nothing
