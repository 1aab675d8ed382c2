-- Take or renew the lease on backends: mine, run out, or left by a session that has ended.
-- $1 worker, $2 its session ("pid:start"), $3 names, $4 seconds
update backends set owner = $1, session = $2,
                    epoch = epoch + (owner is distinct from $1)::int,
                    lease_until = safelight_now() + make_interval(secs => $4),
                    seen_at = safelight_now()
where name = any($3)
  and (owner = $1
       or lease_until < safelight_now()
       or session not in (select pid || ':' || extract(epoch from backend_start)
                          from pg_stat_activity where backend_start is not null))
returning name, epoch, draining
