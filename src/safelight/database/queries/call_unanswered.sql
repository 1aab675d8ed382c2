-- Whether there is a call like this whose answer did not arrive, so that somebody may wait for it.
-- $1 scope, $2 fingerprint, $3 seconds
select exists (
    select from calls
    where scope = $1 and fingerprint = $2 and arrived_at is null
      and created_at > safelight_now() - make_interval(secs => $3)) as waits
