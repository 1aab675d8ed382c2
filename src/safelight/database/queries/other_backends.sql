-- $1 pool, $2 names of backends that do not count, $3 seconds since somebody drove it,
-- $4 true for those alone that take work now
select name from backends
where pool = $1 and not name = any($2)
  and lease_until > safelight_now() - make_interval(secs => $3)
  and (not $4 or (state = 'ready' and not draining and lease_until > safelight_now()))
limit 1
