update backends set owner = null, session = null, lease_until = '-infinity'
where owner = $1
