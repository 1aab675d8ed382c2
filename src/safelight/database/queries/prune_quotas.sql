-- Windows that are over; $1 days, at least one.
delete from quotas where (subject, quota) in (
    select subject, quota from quotas
    where begins < safelight_now() - make_interval(days => $1) limit $2)
