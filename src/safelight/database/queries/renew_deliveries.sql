-- $1 deliveries, $2 worker, $3 seconds
update deliveries set claimed_until = safelight_now() + make_interval(secs => $3)
where id = any($1::uuid[]) and claimed_by = $2 and status = 'pending'
