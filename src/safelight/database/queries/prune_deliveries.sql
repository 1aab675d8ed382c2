delete from deliveries where id in (
    select id from deliveries
    where finished_at < safelight_now() - make_interval(days => $1)
    limit $2)
