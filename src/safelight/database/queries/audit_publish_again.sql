-- uploaded -> pending: it does not lie there any more.
-- $1 publication
update publications
set status = 'pending', tries = 0, nudges = nudges + 1, due_at = safelight_now(), url = null,
    reason = 'an audit found it missing', finished_at = null, claimed_by = null,
    claimed_until = null
where id = $1 and status = 'uploaded' and remove_asked_at is null and removed_at is null
returning id, publisher, nudges
