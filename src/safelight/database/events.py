"""Statements about events: what was told, in commit order."""

from __future__ import annotations

from dataclasses import dataclass

from safelight.core.records import Event
from safelight.core.rights import ANYBODY, Rights
from safelight.database.batches import names
from safelight.database.connection import Database
from safelight.database.rows import event_of

PRUNED = "pruned"  # the events after the id are kept no longer
RESTORED = "restored"  # the id is of a time the database does not know: it was restored


@dataclass(frozen=True, slots=True)
class Place:
    """A listener's place in the events of a batch."""

    lost: str | None  # why not everything behind it can be told
    more: bool  # something is behind it


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the events of all batches."""

    life: str  # of the database, eight characters
    txid: str
    id: int


async def place(database: Database, batch: str, after: int) -> Place:
    """The place behind an event number (0: the beginning) of a batch that exists."""
    row = await database.fetchrow("event_place", batch, after)
    assert row is not None
    lost = None if row["known"] else PRUNED if row["pruned"] else RESTORED
    return Place(lost, row["more"])


async def of_batch(database: Database, batch: str, after: int, limit: int) -> list[Event]:
    """Events of a batch after a number, in order."""
    return [event_of(row) for row in await database.fetch("events_of_batch", batch, after, limit)]


async def of_all(
    database: Database, after: Cursor, limit: int, rights: Rights = ANYBODY
) -> list[tuple[Cursor, Event]]:
    """Events of every batch that is reached, behind a cursor, each with its own cursor."""
    users, characters = names(rights.users), names(rights.characters)
    rows = await database.fetch("all_events", after.txid, after.id, limit, users, characters)
    return [(Cursor(after.life, row["txid"], row["id"]), event_of(row)) for row in rows]


async def newest(database: Database) -> Cursor:
    """The cursor behind everything that can be seen now."""
    row = await database.fetchrow("newest_event")
    assert row is not None
    return Cursor(row["life"], row["txid"], row["id"])


async def lost(database: Database, after: Cursor) -> str | None:
    """Why not everything behind a cursor can be told, None if it can."""
    row = await database.fetchrow("position_lost", after.life, after.txid, after.id)
    assert row is not None
    return RESTORED if row["restored"] else PRUNED if row["pruned"] else None
