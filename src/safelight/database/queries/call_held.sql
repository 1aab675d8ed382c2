-- Whether somebody still waits for the answer to a call like this.
-- $1 scope, $2 fingerprint, $3 seconds
select exists (
    select from calls
    where scope = $1 and fingerprint = $2 and arrived_at is null
      and created_at > safelight_now() - make_interval(secs => $3)) as held
