"""Statements about webhooks: who is told of what happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from safelight.core.addresses import origin_of
from safelight.core.records import Webhook
from safelight.core.reporting import OLD_SECRET, Subscription
from safelight.database.connection import Connection, Database, Row, sql

MOST: Final = 100
"""Subscriptions there may be: every event is told to each of them."""


@dataclass(frozen=True, slots=True)
class News:
    """What there is to tell."""

    anybody: bool  # somebody is to be told of something
    behind: bool  # there are events nobody looked through


async def keep_own(c: Connection, batch: str, webhook: Webhook) -> None:
    """Keep the webhook of a batch that this transaction inserts."""
    await _insert(c, str(uuid4()), batch, webhook, None)


async def subscribe(database: Database, webhook: Webhook, secret: str) -> Subscription | None:
    """Keep a subscription; None: there are `MOST` already."""
    id = str(uuid4())
    async with database.session() as c:
        created_at = await _insert(c, id, None, webhook, secret)
    if created_at is None:
        return None
    return Subscription(id, webhook.url, webhook.events, created_at)


async def subscriptions(database: Database, id: str | None = None) -> list[Subscription]:
    """All of them, oldest first, or the one with this id."""
    return [_subscription(row) for row in await database.fetch("webhooks", id)]


async def unsubscribe(database: Database, id: str) -> bool:
    """Forget a subscription with all its deliveries; whether there was one."""
    return await database.fetchrow("delete_webhook", id) is not None


async def rotate(database: Database, id: str, secret: str) -> bool:
    """Give a subscription a new secret; the one before signs too, for a day."""
    return await database.fetchrow("rotate_webhook", id, secret, OLD_SECRET) is not None


async def of_batch(database: Database, batch: str) -> str | None:
    """The id of a batch's own webhook."""
    row = await database.fetchrow("webhook_of_batch", batch)
    return str(row["id"]) if row else None


async def end(c: Connection, id: str, reason: str) -> None:
    """From now on a webhook is told nothing more; call `deliveries.bury` in the end."""
    await c.execute(sql("end_webhook"), id, reason)


async def news(database: Database) -> News:
    """Whether there is anything to tell."""
    row = await database.fetchrow("news")
    assert row is not None
    return News(row["anybody"], row["behind"])


async def tell(c: Connection, most: int) -> tuple[int, Sequence[str]]:
    """Look through at most so many events and make deliveries of them: how many were looked
    through, and which deliveries can be sent first."""
    row = await c.fetchrow(sql("tell"), most)
    return row["looked"], [str(id) for id in row["first"]]


async def _insert(
    c: Connection, id: str, batch: str | None, webhook: Webhook, secret: str | None
) -> datetime | None:
    found: datetime | None = await c.fetchval(
        sql("insert_webhook"),
        id,
        batch,
        webhook.url,
        origin_of(webhook.url),
        list(webhook.events),
        webhook.base,
        secret,
        MOST,
    )
    return found


def _subscription(row: Row) -> Subscription:
    return Subscription(
        id=str(row["id"]),
        url=row["url"],
        events=tuple(row["events"]),
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        old_until=row["old_until"],
    )
