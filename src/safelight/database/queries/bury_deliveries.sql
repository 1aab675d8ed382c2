-- What waits for a webhook that is told nothing more will not be sent.
update deliveries set status = 'dead', finished_at = safelight_now(), claimed_by = null,
                      claimed_until = null, reason = webhook.reason
from webhooks webhook
where webhook.id = deliveries.webhook_id and webhook.ended_at is not null
  and deliveries.status = 'pending'
