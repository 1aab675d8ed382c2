-- $1 publication, $2 worker
update publications
set removed_at = safelight_now(), remove_due_at = null, remove_reason = null, url = null,
    claimed_by = null, claimed_until = null
where id = $1 and claimed_by = $2 and remove_due_at is not null
