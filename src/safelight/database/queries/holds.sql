select pool, graph, workflow, backends, held_at from holds order by workflow, pool
