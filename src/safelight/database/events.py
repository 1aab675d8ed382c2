"""Statements about events: what was told, in commit order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from safelight.core.records import Event
from safelight.database.connection import Database
from safelight.database.rows import event_of

PRUNED = "pruned"  # the events after the id are kept no longer
RESTORED = "restored"  # the id is of a time the database does not know: it was restored


Place: TypeAlias = tuple[int, int]
"""Where an event stands: (transaction, row) among all, (0, number) in its batch."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An event, where it stands, and of all batches' also whose it is."""

    place: Place
    event: Event
    user: str = ""
    character: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a batch is, seen from a listener's place in its events."""

    user: str
    character: str
    ended: bool
    last_event: int
    lost: str | None  # why not everything behind the place can be told
    more: bool  # something is behind it


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the events of all batches."""

    life: str  # of the database, eight characters
    txid: str
    id: int

    @property
    def place(self) -> Place:
        """Without the life it is of."""
        return int(self.txid), self.id

    def at(self, place: Place) -> Cursor:
        """Another place in the same life."""
        return Cursor(self.life, str(place[0]), place[1])


async def standing(database: Database, batch: str, after: int) -> Standing | None:
    """A batch, if there is one, behind an event number (0: the beginning)."""
    row = await database.fetchrow("event_place", batch, after)
    if row is None:
        return None
    lost = None if row["known"] else PRUNED if row["pruned"] else RESTORED
    whose = row["user_id"], row["character_id"]
    return Standing(*whose, row["ended"], row["last_event"], lost, row["more"])


async def of_batch(database: Database, batch: str, after: int, limit: int) -> list[Event]:
    """Events of a batch after a number, in order."""
    return [event_of(row) for row in await database.fetch("events_of_batch", batch, after, limit)]


async def of_all(database: Database, after: Place, limit: int) -> list[Placed]:
    """Events of every batch behind a place, whosever they are."""
    rows = await database.fetch("all_events", str(after[0]), after[1], limit)
    return [
        Placed((int(row["txid"]), row["id"]), event_of(row), row["user_id"], row["character_id"])
        for row in rows
    ]


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
