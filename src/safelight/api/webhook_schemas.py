"""JSON shapes of answers about webhooks; see `answer_schemas.py`."""

from __future__ import annotations

from datetime import datetime

from safelight.api.answer_schemas import AnswerBody
from safelight.api.schemas import DeliveryStatus, EventName, WebhookStatus


class Webhook(AnswerBody):
    """Who is told of all batches."""

    id: str
    url: str
    events: list[EventName]
    status: WebhookStatus
    reason: str | None
    """Why it is disabled: it is told nothing more."""
    old_secret_until: datetime | None
    """Until then the secret before the last rotation signs, too."""
    created_at: datetime


class SecretWebhook(Webhook):
    """The same with its secret, which is shown this once."""

    secret: str


class Webhooks(AnswerBody):
    """All webhooks, oldest first."""

    data: list[Webhook]


class Delivery(AnswerBody):
    """One event for one webhook."""

    id: str
    message_id: str
    """What the header `webhook-id` says, at every try."""
    batch: str
    number: int
    """Of the event."""
    image: str | None
    type: EventName
    at: datetime
    """When it happened."""
    status: DeliveryStatus
    tries: int
    """That ended, since it was last asked for."""
    http_status: int | None
    """Of the last answer."""
    reason: str | None
    """Of the last trouble."""
    next_try_at: datetime | None
    tried_at: datetime | None
    finished_at: datetime | None
    created_at: datetime


class Deliveries(AnswerBody):
    """A page of deliveries, newest first."""

    data: list[Delivery]
    next_cursor: str | None
    has_more: bool
