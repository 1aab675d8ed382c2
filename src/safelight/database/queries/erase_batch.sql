-- Texts go; user, character, indices and counters stay, so that no index is given out again.
-- $1 batch
update batches
set prompt = '', metadata = null, parameters = '{}', traceparent = null, erased_at = safelight_now(),
    plan = plan #- '{values,prompt}' #- '{values,negative_prompt}'
where id = $1 and ended_at is not null
