-- The oldest call whose answer did not arrive and that nobody waits for any more: nobody of this
-- process but those named, and nobody of a process that has ended.
-- $1 scope, $2 fingerprint, $3 seconds, $4 holder, $5 who waits in this process
update calls set holder = $4, process = current_setting('application_name')
where batch_id = (
    select batch_id from calls
    where scope = $1 and fingerprint = $2 and arrived_at is null
      and created_at > safelight_now() - make_interval(secs => $3)
      and case when process = current_setting('application_name') then holder <> all($5::uuid[])
               else not exists (select from pg_stat_activity
                                where application_name = calls.process) end
    order by created_at limit 1 for update skip locked)
returning batch_id
