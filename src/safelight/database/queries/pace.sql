-- The usual time of a workflow: the last renderings of the same graph anywhere, in seconds.
select extract(epoch from attempt.closed_at - attempt.opened_at)::float8 as seconds
from attempts attempt
where attempt.backend = $1 and attempt.closed_at is not null and attempt.outcome = 'stored'
order by attempt.closed_at desc limit 20
