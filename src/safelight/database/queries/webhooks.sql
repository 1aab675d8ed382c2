-- $1 id, null for all subscriptions
select id, url, events, ended_at, reason, old_until, created_at from webhooks
where batch_id is null and ($1::uuid is null or id = $1) order by created_at, id
