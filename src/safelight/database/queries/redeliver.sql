-- To be sent now, with all its tries before it; nothing, if it is being sent.
-- $1 webhook, $2 delivery
update deliveries
set status = 'pending', tries = 0, due_at = now(), finished_at = null, nudges = nudges + 1,
    claimed_by = null, claimed_until = null
where webhook_id = $1 and id = $2
  and (claimed_until is null or claimed_until < safelight_now())
returning id, nudges
