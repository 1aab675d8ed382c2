-- $1 id, $2 why it is told nothing more
update webhooks set ended_at = safelight_now(), reason = $2 where id = $1 and ended_at is null
