-- What waits for a webhook that is told nothing more will not be sent. What is being sent is left to
-- whoever sends it, and looked at again afterwards.
update deliveries set status = 'dead', finished_at = safelight_now(), claimed_by = null,
                      claimed_until = null, reason = webhook.reason
from webhooks webhook
where webhook.id = deliveries.webhook_id and webhook.ended_at is not null
  and deliveries.status = 'pending'
  and (deliveries.claimed_until is null or deliveries.claimed_until < safelight_now())
