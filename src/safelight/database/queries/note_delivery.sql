-- What came of a try; nothing, if the claim was lost meanwhile.
-- $1 delivery, $2 worker, $3 status, $4 HTTP status, $5 reason, $6 seconds until the next try
update deliveries
set status = $3, tries = tries + 1, http_status = $4, reason = $5, tried_at = safelight_now(),
    due_at = now() + make_interval(secs => $6), nudges = nudges + 1, claimed_by = null,
    claimed_until = null, finished_at = case when $3 <> 'pending' then safelight_now() end
where id = $1 and claimed_by = $2 and status = 'pending'
returning nudges
