-- Deliveries to one host that could be sent now: the first of their batch, and due for longest.
-- $1 origin, $2 how many
with next as (
    select delivery.id from deliveries delivery
    where delivery.origin = $1 and delivery.status = 'pending'
      and delivery.due_at <= safelight_now()
      and (delivery.claimed_until is null or delivery.claimed_until < safelight_now())
      and not exists (
          select from deliveries earlier
          where earlier.webhook_id = delivery.webhook_id and earlier.batch_id = delivery.batch_id
            and earlier.number < delivery.number and earlier.status = 'pending')
    order by delivery.due_at, delivery.number limit $2 for update skip locked
)
update deliveries set nudges = nudges + 1 from next where deliveries.id = next.id
returning deliveries.id, deliveries.nudges
