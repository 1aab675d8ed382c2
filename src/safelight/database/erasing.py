"""Statements that erase a user: a batch at a time, so that whoever is killed can go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from safelight.database import images, removals
from safelight.database.connection import Database, sql

NIL: Final = "00000000-0000-0000-0000-000000000000"
_BITE: Final = 200

# What is forgotten of a batch, in this order. Each takes the batch.
_FORGET: Final = (
    "erase_attempts",
    "erase_previews",
    "erase_events",
    "erase_keys",
    "erase_calls",
    "erase_webhook",
    "erase_batch",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What there is of a user."""

    batches: int
    unfinished: int  # of them
    pictures: int
    copies: int  # at publishers


async def known(database: Database, user: str) -> Known:
    """What there is of a user now."""
    row = await database.fetchrow("erase_known", user)
    assert row is not None
    return Known(**dict(row))


async def unfinished(database: Database, user: str) -> list[str]:
    """Batches of a user that are not over."""
    return [str(row["id"]) for row in await database.fetch("erase_unfinished", user)]


async def left(database: Database, user: str) -> list[str]:
    """Some batches that are over and not erased."""
    return [str(row["id"]) for row in await database.fetch("erase_next", user, _BITE)]


async def erase(database: Database, batch: str) -> None:
    """Delete the pictures of a batch that is over, and forget what was said about it."""
    async with database.transaction() as c:
        await images.lock_members(c, batch=batch)
        rows = await c.fetch(sql("erase_images"), batch)
        await c.execute(sql("give_up_copies"), [row["id"] for row in rows], removals.WHY)
        for name in _FORGET:
            await c.execute(sql(name), batch)


async def leave_indices(database: Database, user: str) -> None:
    """Nobody writes index.txt of this user's series until something is ordered of them."""
    async with database.session() as c:
        await c.execute(sql("erase_series"), user)


async def forget_quotas(database: Database, user: str) -> None:
    """How much was ordered for this user lately is forgotten: they may order anew."""
    await database.fetch("erase_quotas", user)


async def files(database: Database, user: str) -> dict[str, str]:
    """Some deleted images of a user whose file may still be there: id → key."""
    rows = await database.fetch("erase_files", user, _BITE)
    return {str(row["id"]): row["key"] for row in rows}


async def wanted(database: Database, user: str) -> set[str]:
    """Prompt ids of a user's unfinished images."""
    return {str(row["prompt_id"]) for row in await database.fetch("erase_wanted", user)}


async def ask_removal(database: Database, user: str) -> None:
    """All copies of a user's deleted pictures are to be taken away."""
    after = NIL
    while rows := await database.fetch("erase_copied", user, after, _BITE):
        after = str(rows[-1]["id"])
        async with database.transaction() as c:
            await removals.ask_removal(c, [str(row["id"]) for row in rows])


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that somebody asked to take away, and that is not."""

    id: str
    publisher: str
    place: str
    reason: str | None  # of the last trouble
    due: bool  # it will be tried (again)
    tries: int


async def copies(database: Database, user: str, after: str) -> Sequence[Copied]:
    """Some of them, in the order of their ids."""
    rows = await database.fetch("erase_copies", user, after, _BITE)
    return [Copied(**{**dict(row), "id": str(row["id"])}) for row in rows]
