-- $1 pool, $2 names of backends that do not count, $3 seconds since somebody drove it
select name from backends
where pool = $1 and not name = any($2)
  and lease_until > safelight_now() - make_interval(secs => $3)
limit 1
