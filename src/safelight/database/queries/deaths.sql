-- $1 pool, $2 graph
select backend, opened_at, died_at from deaths
where pool = $1 and graph = $2 and proven and died_at > safelight_now() - interval '1 day'
