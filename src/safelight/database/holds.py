"""Statements about graphs that kill backends (`core.killing`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from safelight.core.killing import Death, Hold
from safelight.database.connection import Connection, Database, sql
from safelight.database.engine import Place, line_up

_BITE: Final = 500


async def note_death(
    c: Connection, prompt_id: str, pool: str, graph: str, *, proven: bool
) -> list[Death]:
    """Its backend died while it ran there, or is silent since; all proven deaths under the graph
    since its last picture in this pool."""
    await c.execute(sql("note_death"), prompt_id, pool, graph, proven)
    return await _deaths(c, pool, graph)


async def prove_death(c: Connection, prompt_id: str) -> list[Death]:
    """Its silent backend is back without it; all proven deaths under its graph, none if it is of no
    account: nothing was known to run, or a picture has cleared the graph."""
    row = await c.fetchrow(sql("prove_death"), prompt_id)
    return await _deaths(c, row["pool"], row["graph"]) if row else []


async def doubtful(c: Connection, pool: str, graph: str) -> bool:
    """Whether something speaks against it that a graph kills: within the hour servers died under
    others, or it gave a picture there; or another server that draws it, too, lives."""
    return bool(await c.fetchval(sql("doubts"), pool, graph))


async def acquit(database: Database, prompt_id: str) -> None:
    """Its silent backend is back and has it: it had not died."""
    await database.fetch("acquit", prompt_id)


async def hold(
    c: Connection, pool: str, graph: str, workflow: str, backends: tuple[str, ...]
) -> bool:
    """Let nothing of this graph be drawn in a pool any more; false if it is held already."""
    return await c.fetchrow(sql("hold"), pool, graph, workflow, list(backends)) is not None


async def holds(database: Database) -> list[Hold]:
    """All there are, by workflow and pool."""
    return [hold_of(dict(row)) for row in await database.fetch("holds")]


async def hold_of_image(database: Database, image: str) -> Hold | None:
    """Why a queued image waits, if its graph is held."""
    row = await database.fetchrow("hold_of_image", image)
    return hold_of(dict(row)) if row else None


async def keep_held(c: Connection, image: str, graph: str) -> bool:
    """A queued image waits without a place in the line; false if its graph is not held any more.

    It keeps its turn.
    """
    return await c.fetchrow(sql("keep_held"), image, graph) is not None


async def resume(
    database: Database, workflow: str, graph: str | None, pool: str | None
) -> set[str]:
    """End the holds of a workflow, by its id or its graph, in one pool or in all; in which pools
    there were some. Images that waited get their places back."""
    async with database.transaction() as c:
        ended = await c.fetch(sql("resume_workflow"), workflow, graph, pool)
    for row in ended:
        while await _call(database, row["pool"], row["graph"]):
            pass
    return {row["pool"] for row in ended}


async def _call(database: Database, pool: str, graph: str) -> bool:
    async with database.transaction() as c:
        rows = await c.fetch(sql("call_held"), pool, graph, _BITE)
        places = [Place(str(row["id"]), row["pool"], row["turn"], row["tries"]) for row in rows]
        await line_up(c, places)
    return bool(rows)


async def _deaths(c: Connection, pool: str, graph: str) -> list[Death]:
    rows = await c.fetch(sql("deaths"), pool, graph)
    return [Death(row["backend"], row["opened_at"], row["died_at"]) for row in rows]


def hold_of(row: dict[str, Any]) -> Hold:
    """A hold as its row says, or the same as JSON."""
    at = row["held_at"]
    since = datetime.fromisoformat(at) if isinstance(at, str) else at
    return Hold(row["pool"], row["workflow"], row["graph"], tuple(row["backends"]), since)
