-- Deliveries that have been due for a while and are not being sent: their token was lost.
-- $1 seconds, $2 how many of each host
with next as (
    select delivery.id,
           row_number() over (partition by delivery.origin order by delivery.due_at) as place
    from deliveries delivery
    where delivery.status = 'pending'
      and delivery.due_at <= safelight_now() - make_interval(secs => $1)
      and (delivery.claimed_until is null or delivery.claimed_until < safelight_now())
      and not exists (
          select from deliveries earlier
          where earlier.webhook_id = delivery.webhook_id and earlier.batch_id = delivery.batch_id
            and earlier.number < delivery.number and earlier.status = 'pending')
)
update deliveries set nudges = nudges + 1 from next
where deliveries.id = next.id and next.place <= $2
returning deliveries.id, deliveries.nudges
