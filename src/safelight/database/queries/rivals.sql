-- Who has this name for another server, or this server under another name; and whether a living
-- worker drives it. $1 name, $2 address, $3 host
select name, url, address, host,
       lease_until > safelight_now()
       and session in (select pid || ':' || extract(epoch from backend_start)
                       from pg_stat_activity where backend_start is not null) as driven
from backends
where address <> ''
  and (name = $1) <> (address = $2 and host = $3)
order by name
