-- What was still to be sent may have been sent after the backup, and what was not looked through
-- may have been told: neither is sent by itself. Only what happens from here on is told.
with held as (
    update deliveries set status = 'dead', finished_at = safelight_now(), claimed_by = null,
                          claimed_until = null,
                          reason = 'the database was restored: it may have been sent before'
    where status = 'pending'
), since as (
    update webhooks set since_txid = '0', since_id = 0
)
update telling set txid = pg_current_xact_id(), id = coalesce((select max(id) from events), 0)
