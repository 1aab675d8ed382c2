-- Other backends under whose names prompts that a backend holds were opened, if they are driven now
-- and meant the same server when the prompts were opened. $1 the backend, $2 prompt ids it holds
select distinct attempts.backend
from attempts join backends on backends.name = attempts.backend
where attempts.prompt_id = any($2::uuid[]) and attempts.closed_at is null
  and attempts.backend <> $1
  and backends.lease_until > safelight_now() and attempts.opened_at > backends.configured_at
