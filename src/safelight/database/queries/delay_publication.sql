-- Not now: to be tried again. No row: it has ended, or somebody else tries by now.
-- $1 publication, $2 worker, $3 seconds, $4 reason
update publications
set due_at = safelight_now() + make_interval(secs => $3), reason = $4, nudges = nudges + 1,
    claimed_by = null, claimed_until = null
where id = $1 and claimed_by = $2 and status = 'pending'
returning nudges
