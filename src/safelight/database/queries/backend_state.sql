-- $1 name, $2 state, $3 reason, $4 worker, $5 seconds until it is looked at again, or null
update backends set state = $2, reason = $3, seen_at = safelight_now(),
                    until = safelight_now() + make_interval(secs => $5)
where name = $1 and owner = $4
