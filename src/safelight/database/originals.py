"""Statements about the store this database's pictures lie in."""

from __future__ import annotations

from dataclasses import dataclass

from safelight.database.connection import Connection, Database, sql
from safelight.database.leases import SETUP_LOCK

_A_FEW = 3


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The pictures lie in another store than one's own."""

    identity: str
    place: str  # for people
    in_use: bool  # another process works with this database now
    pictures: dict[str, int]  # a few that must be there: key → bytes


async def claim(database: Database, identity: str, place: str) -> Elsewhere | None:
    """Say which store we use; None if it is the one, or nobody had said so before."""
    async with database.transaction() as c:
        await c.fetch(sql("lock_setup"), SETUP_LOCK)
        known = await c.fetchrow(sql("store"))
        if known and known["identity"] != identity:
            return await _elsewhere(c, database.name, known["identity"], known["place"])
        if known is None or known["place"] != place:
            await c.fetch(sql("set_store"), identity, place)
            if known is None:
                await c.fetch(sql("forget_indices"))
    return None


async def move(database: Database, was: str, identity: str, place: str) -> bool:
    """The pictures have been moved; false if somebody else said so first, or came to work."""
    async with database.transaction() as c:
        await c.fetch(sql("lock_setup"), SETUP_LOCK)
        known = await c.fetchrow(sql("store"))
        others = await c.fetchval(sql("others"), database.name)
        if known is None or known["identity"] != was or others:
            return False
        await c.fetch(sql("set_store"), identity, place)
        # Copied or not: what they say is not known.
        await c.fetch(sql("forget_indices"))
    return True


async def _elsewhere(c: Connection, name: str, identity: str, place: str) -> Elsewhere:
    others = await c.fetchval(sql("others"), name)
    pictures = await c.fetch(sql("newest_stored"), _A_FEW)
    return Elsewhere(identity, place, others, {row["key"]: row["bytes"] for row in pictures})
