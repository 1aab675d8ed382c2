-- $1 publications, $2 worker
update publications set claimed_by = null, claimed_until = null, remove_due_at = safelight_now()
where id = any($1::uuid[]) and claimed_by = $2 and remove_due_at is not null
