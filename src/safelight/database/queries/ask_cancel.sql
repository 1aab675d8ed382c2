-- The wish alone: nothing is canceled before the backend has let go. The rows are locked.
update images set cancel_asked_at = safelight_now()
where id = any($1::uuid[]) and status = 'dispatched' and cancel_asked_at is null
