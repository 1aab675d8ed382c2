-- A delivery that is due, unless an earlier event of its batch is still to be sent to the same
-- webhook: whoever ends that one wakes this one. Should that be happening now, it is waited for.
-- $1 delivery, $2 worker, $3 seconds, $4 origins that are sent enough already
with wanted as materialized (
    select id, webhook_id, batch_id, number from deliveries
    where id = $1 and status = 'pending' and due_at <= safelight_now() + interval '50 ms'
      and origin <> all($4::text[])
), earlier as materialized (
    select other.id from deliveries other join wanted
      on other.webhook_id = wanted.webhook_id and other.batch_id = wanted.batch_id
    where other.number < wanted.number and other.status = 'pending'
    limit 1 for share of other
)
update deliveries delivery
set claimed_by = $2, claimed_until = safelight_now() + make_interval(secs => $3)
from webhooks webhook
where delivery.id = (select id from wanted) and not exists (select from earlier)
  and delivery.status = 'pending'
  and (delivery.claimed_until is null or delivery.claimed_until < safelight_now())
  and webhook.id = delivery.webhook_id and webhook.ended_at is null
returning delivery.id, delivery.webhook_id, delivery.origin, delivery.batch_id, delivery.number,
          delivery.type, delivery.image_id, delivery.at, delivery.tries,
          webhook.url, webhook.base, webhook.batch_id is not null as own, webhook.secret,
          case when webhook.old_until > safelight_now() then webhook.old_secret end as old_secret,
          (select traceparent from batches where id = delivery.batch_id) as traceparent,
          (select prompt_id from images where id = delivery.image_id) as prompt_id
