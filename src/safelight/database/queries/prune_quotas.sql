-- Windows that are over; whoever counts in one just now keeps it. $1 days, $2 how many
delete from quotas where (subject, quota) in (
    select subject, quota from quotas
    where begins < safelight_now() - make_interval(days => $1)
    limit $2 for update skip locked)
