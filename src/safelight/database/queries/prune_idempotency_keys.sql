delete from idempotency_keys where (scope, key) in (
    select scope, key from idempotency_keys
    where created_at < safelight_now() - make_interval(hours => $1) limit $2)
