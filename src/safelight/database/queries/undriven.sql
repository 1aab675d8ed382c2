-- Backends with open attempts whose lease has ended.
select distinct attempts.backend
from attempts left join backends on backends.name = attempts.backend
where attempts.closed_at is null
  and (backends.name is null or backends.lease_until < safelight_now())
