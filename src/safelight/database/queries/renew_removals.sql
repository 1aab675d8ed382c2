-- $1 publications, $2 worker, $3 seconds
update publications set claimed_until = safelight_now() + make_interval(secs => $3)
where id = any($1::uuid[]) and claimed_by = $2 and remove_due_at is not null
