-- $1 pool, $2 graph, $3 workflow, $4 backends; one that is held already stays as it is
insert into holds (pool, graph, workflow, backends) values ($1, $2, $3, $4)
on conflict (pool, graph) do nothing
returning pool
