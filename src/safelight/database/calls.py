"""Statements about calls: requests that clients send again without saying so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from safelight.database.connection import Connection, Database, sql


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is to be answered with a batch."""

    holder: str  # the id of the request, a UUID
    scope: str  # API key and route
    fingerprint: str  # SHA-256 of the canonical body


async def note(c: Connection, call: Call, batch: str) -> None:
    """That this batch was ordered by this call."""
    await c.execute(sql("note_call"), batch, call.scope, call.fingerprint, call.holder)


async def take_up(
    database: Database, call: Call, seconds: float, waiting: Iterable[str]
) -> str | None:
    """The batch of an earlier call like this, of so many last seconds, whose answer did not arrive
    and that nobody waits for; from now on this call does. `waiting` are the holders in this
    process."""
    row = await database.fetchrow(
        "take_up_call", call.scope, call.fingerprint, seconds, call.holder, list(waiting)
    )
    return str(row["batch_id"]) if row else None


async def held(database: Database, call: Call, seconds: float) -> bool:
    """Whether there is an earlier call like this whose answer did not arrive."""
    row = await database.fetchrow("call_unanswered", call.scope, call.fingerprint, seconds)
    assert row is not None
    return bool(row["waits"])


async def let_go(database: Database, holder: str) -> None:
    """Nobody waits for the answer any more; whoever sends the call again takes it up."""
    await database.fetch("let_go_call", holder)


async def arrived(database: Database, holder: str) -> None:
    """The answer went out to its last byte."""
    await database.fetch("call_arrived", holder)
