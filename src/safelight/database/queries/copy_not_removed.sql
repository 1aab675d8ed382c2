-- Try again later, or, without seconds, no more.
-- $1 publication, $2 worker, $3 why, $4 seconds to the next try, null: that was the last
update publications
set remove_reason = $3, remove_due_at = safelight_now() + make_interval(secs => $4),
    nudges = nudges + 1, claimed_by = null, claimed_until = null
where id = $1 and claimed_by = $2 and remove_due_at is not null
returning nudges
