delete from calls where batch_id in (
    select batch_id from calls
    where created_at < safelight_now() - make_interval(hours => $1) limit $2)
