-- Take or renew the lease on backends: mine, run out, or left by a session that has ended. Only
-- where the row means the server that I mean: a loopback address is another one on each machine.
-- A worker that does not know a migration it must know gets none, so that it stops.
-- `twin` is another name for the same server, under which it is driven.
-- $1 worker, $2 its session ("pid:start"), $3 names, $4 addresses, $5 hosts, $6 seconds,
-- $7 the newest migration it knows
with asked as (
    select * from unnest($3::text[], $4::text[], $5::text[]) as asked (name, address, host)
)
update backends set owner = $1, session = $2,
                    epoch = epoch + (owner is distinct from $1)::int,
                    lease_until = safelight_now() + make_interval(secs => $6),
                    seen_at = safelight_now()
from asked
where backends.name = asked.name and $7 >= (select oldest from installation)
  and backends.address = asked.address and backends.host = asked.host
  and (owner = $1
       or lease_until < safelight_now()
       or session not in (select pid || ':' || extract(epoch from backend_start)
                          from pg_stat_activity where backend_start is not null))
returning backends.name, epoch, draining,
          (select other.name from backends other
           where other.name = backends.twin
             and (other.lease_until > safelight_now() or other.name = any ($3))) as twin
