"""Statements about deliveries: one event for one webhook, sent until it has arrived or is dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from safelight.core.reporting import Delivery, Verdict
from safelight.database import engine
from safelight.database.connection import Connection, Database, Row, sql
from safelight.database.engine import Errand

KIND: Final = "report"
"""What errands of deliveries are called."""


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that was claimed, with all that is needed to send it."""

    id: str
    webhook: str
    origin: str
    batch: str
    number: int
    type: str
    image: str | None
    at: datetime
    tries: int  # that ended before this one
    url: str = field(repr=False)  # there may be a token in it
    base: str
    own: bool  # a batch's own webhook: the settings have its secrets
    secrets: tuple[str, ...] = field(repr=False)  # the newest first
    traceparent: str | None = None  # of its batch
    prompt_id: str | None = None  # of the attempt that carries, or carried, its image


async def claim(
    c: Connection, id: str, worker: UUID, seconds: float, crowded: Sequence[str]
) -> Due | None:
    """Claim a delivery, if it may be sent now; `crowded` are origins that must wait."""
    row = await c.fetchrow(sql("claim_delivery"), id, worker, seconds, list(crowded))
    return row and _due(row)


async def note(
    c: Connection, due: Due, worker: UUID, verdict: Verdict, http_status: int | None
) -> None:
    """Write what came of a try, and have it tried again if it is to be; nothing, if the claim was
    lost meanwhile."""
    nudge = await c.fetchval(
        sql("note_delivery"),
        due.id,
        worker,
        verdict.status,
        http_status,
        verdict.reason,
        verdict.wait or 0.0,
    )
    if nudge is not None and verdict.wait is not None:
        await engine.send(c, [Errand(KIND, due.id, nudge, verdict.wait)])


async def bury(c: Connection) -> None:
    """What waits for webhooks that are told nothing more is dead."""
    await c.execute(sql("bury_deliveries"))


async def wake_next(c: Connection, origin: str, most: int) -> None:
    """Have those sent that could be, now that one to this origin has ended."""
    await _nudge(c, await c.fetch(sql("next_deliveries"), origin, most))


async def catch_up(c: Connection, seconds: float, most: int) -> bool:
    """Have those sent that have been due for so long, so many of each origin; whether any."""
    rows = await c.fetch(sql("due_deliveries"), seconds, most)
    await _nudge(c, rows)
    return bool(rows)


async def send_first(c: Connection, ids: Sequence[str]) -> None:
    """Have new deliveries sent."""
    if ids:
        await engine.send(c, [Errand(KIND, id, 0) for id in ids])


async def renew(database: Database, ids: Sequence[str], worker: UUID, seconds: float) -> None:
    """Let claims last so many seconds from now."""
    await database.fetch("renew_deliveries", list(ids), worker, seconds)


async def release(c: Connection, ids: Sequence[str], worker: UUID) -> None:
    """Give claims back, and have others send them."""
    await _nudge(c, await c.fetch(sql("release_deliveries"), list(ids), worker))


async def of_webhook(
    database: Database,
    webhook: str,
    status: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Delivery]:
    """Deliveries, newest first, behind the one made then under that id."""
    created, id = after or (None, None)
    rows = await database.fetch("deliveries", webhook, status, created, id, limit)
    return [_delivery(row) for row in rows]


async def delivery(database: Database, webhook: str, id: str) -> tuple[Delivery, str | None] | None:
    """A delivery of this webhook, and why the webhook is told nothing more, if so."""
    row = await database.fetchrow("delivery", webhook, id)
    return (_delivery(row), row["ended"]) if row else None


async def redeliver(c: Connection, webhook: str, id: str) -> None:
    """Have it sent now, whatever came of it; one that is being sent goes on."""
    await _nudge(c, await c.fetch(sql("redeliver"), webhook, id))


async def _nudge(c: Connection, rows: Sequence[Row]) -> None:
    if rows:
        await engine.send(c, [Errand(KIND, str(row["id"]), row["nudges"]) for row in rows])


def _due(row: Row) -> Due:
    return Due(
        id=str(row["id"]),
        webhook=str(row["webhook_id"]),
        origin=row["origin"],
        batch=str(row["batch_id"]),
        number=row["number"],
        type=row["type"],
        image=str(row["image_id"]) if row["image_id"] else None,
        at=row["at"],
        tries=row["tries"],
        url=row["url"],
        base=row["base"],
        own=row["own"],
        secrets=tuple(one for one in (row["secret"], row["old_secret"]) if one),
        traceparent=row["traceparent"],
        prompt_id=str(row["prompt_id"]) if row["prompt_id"] else None,
    )


def _delivery(row: Row) -> Delivery:
    return Delivery(
        id=str(row["id"]),
        batch=str(row["batch_id"]),
        number=row["number"],
        type=row["type"],
        image=str(row["image_id"]) if row["image_id"] else None,
        at=row["at"],
        status=row["status"],
        tries=row["tries"],
        http_status=row["http_status"],
        reason=row["reason"],
        next_try_at=row["next_try_at"],
        tried_at=row["tried_at"],
        finished_at=row["finished_at"],
        created_at=row["created_at"],
    )
