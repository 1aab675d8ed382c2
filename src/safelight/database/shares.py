"""Statements about how much of the line and of the backends a user has (`core.fairness`).

A user's images are counted under a lock on the user, an advisory one that ends with the
transaction: so a cap holds for any number of processes. It comes before all other locks but that of
an idempotency key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from safelight.core.forecast import Server, Standing
from safelight.core.killing import Hold
from safelight.database.connection import Connection, Database, Row, sql
from safelight.database.engine import Place, line_up
from safelight.database.holds import hold_of
from safelight.database.rows import from_json

_UNFINISHED, _IN_FLIGHT = 1, 2  # what is counted under the lock
_BITE: Final = 500


async def unfinished(c: Connection, user: str) -> int:
    """A user's images that have not ended; until commit nobody else orders for them."""
    await c.fetchrow(sql("lock_user"), user, _UNFINISHED)
    count: int = await c.fetchval(sql("unfinished"), user)
    return count


async def count_unfinished(database: Database, user: str) -> int:
    """The same without a lock: it may have changed by now."""
    row = await database.fetchrow("unfinished", user)
    return int(row["unfinished"]) if row else 0


async def has_room(c: Connection, image: str, cap: int) -> bool:
    """Whether one more image of this one's user may be sent; until commit nobody else sends one."""
    owner = await c.fetchrow(sql("lock_owner"), image, _IN_FLIGHT)
    if owner is None:
        return True
    count: int = await c.fetchval(sql("in_flight"), owner["user_id"])
    return count < cap


async def set_aside(c: Connection, image: str) -> None:
    """A queued image waits for another of its user to end; its turn stays."""
    await c.execute(sql("set_aside"), image)


async def call_back(database: Database, user: str, many: int = 1) -> bool:
    """Put the first images that a user has aside in line again; whether there are any."""
    async with database.transaction() as c:
        # Whoever sets one aside just now counted an image that has ended since: wait for him.
        await c.fetchrow(sql("lock_user"), user, _IN_FLIGHT)
        rows = await c.fetch(sql("call_back"), user, min(many, _BITE))
        await line_up(c, [_place(row) for row in rows])
    return bool(rows)


async def held_back(database: Database, cap: int | None) -> list[tuple[str, int]]:
    """Users with images aside for whom there is room now, and how much."""
    return [(row["user_id"], row["room"]) for row in await database.fetch("held_back", cap)]


async def unfinished_images(database: Database, user: str, pool: str) -> list[str]:
    """A user's images in a pool that have not ended."""
    return [str(row["id"]) for row in await database.fetch("unfinished_images", user, pool)]


async def lock_turns(c: Connection, *, batch: str | None = None, image: str | None = None) -> None:
    """Lock the turns of the user of a batch, or of an image: before the batch, as in accept."""
    await c.fetchrow(sql("lock_turns"), batch, image)


async def take_turns(c: Connection, pool: str, user: str, cost: int) -> int:
    """Take a user's next turns in a pool, which cost so much together (`core.fairness.costs`); the
    turn they begin after. `lock_turns` comes first."""
    turn: int = await c.fetchval(sql("take_turns"), pool, user, cost)
    return turn


async def standings(
    database: Database, images: Sequence[str], pool: str, workflow: str
) -> tuple[datetime, dict[str, Server], dict[str, Standing], Hold | None]:
    """Now by the database's clock, the ready backends of a pool, where images stand, and whether
    the graph of the first one is held there."""
    row = await database.fetchrow("forecast", images, pool, workflow)
    assert row is not None
    servers = {name: Server(**fields) for name, fields in from_json(row["servers"]).items()}
    places = {id: Standing(**fields) for id, fields in from_json(row["images"]).items()}
    hold = hold_of(from_json(row["hold"])) if row["hold"] else None
    return row["now"], servers, places, hold


@dataclass(frozen=True, slots=True)
class WouldStand:
    """Where the images of an order would stand if it was given now."""

    before_first: int  # images in its pool's line that would be drawn before its first
    before_last: int  # and before its last, its own not counted
    hold: Hold | None  # its graph is not drawn there


async def would_stand(
    database: Database, user: str, pool: str, graph: str, spent: Sequence[int]
) -> WouldStand:
    """Where an order of this user would stand; its images cost so much together, the first, the
    first two, … (`core.fairness.costs`). Reserves nothing."""
    row = await database.fetchrow("would_stand", user, pool, graph, spent[0], spent[-1])
    assert row is not None
    hold = hold_of(from_json(row["hold"])) if row["hold"] else None
    return WouldStand(row["before_first"], row["before_last"], hold)


def _place(row: Row) -> Place:
    return Place(str(row["id"]), row["pool"], row["turn"], row["tries"])
