-- Newest first. Statuses are a function of the counters; here it is once more, for the filter.
-- $1 user, $2 character, $3 status, $4 and $5 where the page before ended, $6 how many, $7 and $8
-- users and characters that are reached (null: all)
select id, user_id, character_id, prompt, quantity, pool, plan ->> 'workflow' as workflow, metadata,
       stored, failed, canceled, started_at, ended_at, deadline, last_event, created_at,
       parameters
from batches
where ($1::text is null or user_id = $1)
  and ($2::text is null or character_id = $2)
  and ($7::text[] is null or user_id = any($7))
  and ($8::text[] is null or character_id = any($8))
  and ($4::timestamptz is null or (created_at, id) < ($4, $5))
  and ($3::text is null or $3 = case
        when stored + failed + canceled < quantity and started_at is null then 'queued'
        when stored + failed + canceled < quantity then 'running'
        when stored = quantity then 'completed'
        when stored > 0 then 'partial'
        when failed > 0 then 'failed'
        else 'canceled' end)
order by created_at desc, id desc limit $6
