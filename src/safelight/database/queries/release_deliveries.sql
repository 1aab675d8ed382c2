-- $1 deliveries, $2 worker
update deliveries set claimed_by = null, claimed_until = null, nudges = nudges + 1
where id = any($1::uuid[]) and claimed_by = $2 and status = 'pending'
returning id, nudges
