update backends set state = $2, reason = $3, seen_at = safelight_now()
where name = $1 and owner = $4
