"""Statements about events: what was told, in commit order."""

from __future__ import annotations

from safelight.core.records import Event
from safelight.database.connection import Database
from safelight.database.rows import event_of


async def of_batch(database: Database, batch: str, after: int, limit: int) -> list[Event]:
    """Events of a batch after a number, in order."""
    return [event_of(row) for row in await database.fetch("events_of_batch", batch, after, limit)]


async def of_all(
    database: Database, after: tuple[str, int], limit: int
) -> list[tuple[tuple[str, int], Event]]:
    """Events of every batch behind a cursor of (transaction, id), each with its own cursor."""
    rows = await database.fetch("all_events", *after, limit)
    return [((row["txid"], row["id"]), event_of(row)) for row in rows]


async def newest(database: Database) -> tuple[str, int]:
    """The cursor behind everything that can be seen now."""
    row = await database.fetchrow("newest_event")
    assert row is not None
    return row["txid"], row["id"]
