-- $1 publications, $2 worker, $3 seconds the claims last
update publications set claimed_until = safelight_now() + make_interval(secs => $3)
where id = any($1) and claimed_by = $2 and status = 'pending'
