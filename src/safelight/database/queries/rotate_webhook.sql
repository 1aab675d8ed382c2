-- $1 id, $2 new secret, $3 seconds in which the one before signs, too
update webhooks
set secret = $2, old_secret = secret, old_until = safelight_now() + make_interval(secs => $3)
where id = $1 and batch_id is null returning id
