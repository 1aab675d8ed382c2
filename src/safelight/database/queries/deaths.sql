-- What died under a graph since its last picture in a pool. $1 pool, $2 graph
select backend, opened_at, died_at from deaths
where pool = $1 and graph = $2 and proven and not cleared
  and died_at > safelight_now() - interval '1 day'
