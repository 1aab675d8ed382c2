-- $1 webhook, $2 delivery
select delivery.id, delivery.batch_id, delivery.number, delivery.type, delivery.image_id,
       delivery.at, delivery.status, delivery.tries, delivery.http_status, delivery.reason,
       case when delivery.status = 'pending' then delivery.due_at end as next_try_at,
       delivery.tried_at, delivery.finished_at, delivery.created_at,
       webhook.reason as ended
from deliveries delivery join webhooks webhook on webhook.id = delivery.webhook_id
where delivery.webhook_id = $1 and delivery.id = $2
