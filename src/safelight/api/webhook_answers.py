"""Webhooks as JSON; `webhook_schemas.py` describes the same."""

from __future__ import annotations

from safelight.api.answers import Json, moment
from safelight.core.reporting import Delivery, Subscription, message_id


def webhook_json(webhook: Subscription) -> Json:
    """A webhook without its secret."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "status": "disabled" if webhook.ended_at else "active",
        "reason": webhook.reason,
        "old_secret_until": moment(webhook.old_until),
        "created_at": moment(webhook.created_at),
    }


def delivery_json(delivery: Delivery) -> Json:
    """One event for one webhook, and what became of it."""
    return {
        "id": delivery.id,
        "message_id": message_id(delivery.batch, delivery.number),
        "batch": delivery.batch,
        "number": delivery.number,
        "image": delivery.image,
        "type": delivery.type,
        "at": moment(delivery.at),
        "status": delivery.status,
        "tries": delivery.tries,
        "http_status": delivery.http_status,
        "reason": delivery.reason,
        "next_try_at": moment(delivery.next_try_at),
        "tried_at": moment(delivery.tried_at),
        "finished_at": moment(delivery.finished_at),
        "created_at": moment(delivery.created_at),
    }
