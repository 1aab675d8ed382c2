-- Deliveries of a webhook, newest first, behind the one made then under that id.
-- $1 webhook, $2 status, $3 created, $4 id, $5 how many
select id, batch_id, number, type, image_id, at, status, tries, http_status, reason,
       case when status = 'pending' then due_at end as next_try_at, tried_at, finished_at, created_at
from deliveries
where webhook_id = $1 and ($2::text is null or status = $2)
  and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
order by created_at desc, id desc limit $5
