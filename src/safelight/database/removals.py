"""Statements about what is deleted: images, their files, their copies at publishers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from safelight.database import engine
from safelight.database.connection import Connection, Database, sql
from safelight.database.engine import Errand

WHY = "the image was deleted"
_BITE = 200


def errand_kind(publisher: str) -> str:
    """Who takes copies away from a publisher."""
    return f"unpublish:{publisher}"


async def delete(c: Connection, image: str, *, publications: bool) -> bool:
    """A stored image is deleted; whether somebody has an errand. Its rows are locked."""
    await c.execute(sql("delete_image"), image)
    await c.execute(sql("give_up_copies"), [image], WHY)
    return publications and await ask_removal(c, [image])


async def ask_removal(c: Connection, images: Sequence[str]) -> bool:
    """The copies of these images are to be taken away; whether there is anything to do for it."""
    rows = await c.fetch(sql("ask_removal"), images)
    errands = [
        Errand(errand_kind(row["publisher"]), str(row["id"]), row["nudges"])
        for row in rows
        if row["due"]
    ]
    if errands:
        await engine.send(c, errands)
    return bool(errands)


async def files(database: Database, limit: int = _BITE) -> dict[str, str]:
    """Deleted images whose file may still be there: id → key."""
    rows = await database.fetch("files_to_remove", limit)
    return {str(row["id"]): row["key"] for row in rows}


async def files_gone(database: Database, images: Sequence[str]) -> None:
    """The files of these deleted images are no more."""
    async with database.session() as c:
        await c.execute(sql("files_removed"), images)


async def delete_old(database: Database, days: int) -> int:
    """Delete a few originals that are older; how many."""
    return len(await database.fetch("delete_old", days, _BITE))


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A copy that is to be taken away, claimed."""

    id: str
    publisher: str
    place: str  # its name there
    md5: str | None  # of the copy, None where its upload was never confirmed
    tries: int  # this one included
    worker: UUID


async def claim(c: Connection, row: str, worker: UUID, seconds: float) -> Unwanted | None:
    """Claim it for so long; None: there is nothing to be done, or somebody has it in hand."""
    found = await c.fetchrow(sql("claim_removal"), row, worker, seconds)
    if found is None:
        return None
    return Unwanted(
        str(found["id"]),
        found["publisher"],
        found["place"],
        found["md5"],
        found["remove_tries"],
        worker,
    )


async def renew(database: Database, rows: Sequence[str], worker: UUID, seconds: float) -> None:
    """Let the claims last so long from now."""
    async with database.session() as c:
        await c.execute(sql("renew_removals"), rows, worker, seconds)


async def release(database: Database, rows: Sequence[str], worker: UUID) -> None:
    """Give claims back: they are due at once."""
    async with database.session() as c:
        await c.execute(sql("release_removals"), rows, worker)


async def removed(database: Database, copy: Unwanted) -> None:
    """It lies there no more."""
    async with database.session() as c:
        await c.execute(sql("copy_removed"), copy.id, copy.worker)


async def not_removed(database: Database, copy: Unwanted, reason: str, wait: float | None) -> None:
    """Try again in so many seconds; None: no more."""
    async with database.transaction() as c:
        nudges = await c.fetchval(sql("copy_not_removed"), copy.id, copy.worker, reason[:500], wait)
        if nudges is not None and wait is not None:
            await engine.send(c, [Errand(errand_kind(copy.publisher), copy.id, nudges, wait)])


async def catch_up(database: Database, publisher: str, *, started: bool) -> None:
    """Make tokens for what is due and may have lost its own."""
    async with database.transaction() as c:
        rows = await c.fetch(sql("removals_due"), publisher, started, _BITE)
        kind = errand_kind(publisher)
        if rows:
            await engine.send(c, [Errand(kind, str(row["id"]), row["nudges"]) for row in rows])
