-- Nothing came of them: they are due, and the try does not count. $1 publications, $2 worker
update publications
set claimed_by = null, claimed_until = null, due_at = safelight_now(), nudges = nudges + 1,
    tries = greatest(tries - 1, 0)
where id = any($1) and claimed_by = $2 and status = 'pending'
returning id, nudges, publisher
