-- $1 prompt id, $2 pool, $3 graph, $4 whether it is proven. What is older than a day says nothing.
with pruned as (
    delete from deaths where died_at < safelight_now() - interval '1 day' and prompt_id <> $1
)
insert into deaths (prompt_id, pool, graph, backend, opened_at, proven)
select prompt_id, $2, $3, backend, opened_at, $4 from attempts where prompt_id = $1
on conflict (prompt_id) do update
    set died_at = safelight_now(), proven = excluded.proven, cleared = false
