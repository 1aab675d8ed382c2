"""Statements of the audit: what rows say, page by page, and what is put right."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from safelight.core.auditing import REMOVABLE_AFTER, Bytes, Owner, Row
from safelight.database import engine, images
from safelight.database.connection import Database, sql
from safelight.database.dumping import patient_session
from safelight.database.publications import errand

NIL: Final = "00000000-0000-0000-0000-000000000000"
_FETCHED_AT_ONCE: Final = 200
_LAST: Final = "\x7f"  # behind every key


async def images_page(
    database: Database, user: str | None, after: Row | None, limit: int
) -> list[Row]:
    """Images that name a key (of a user), in the order of keys."""
    place = (after.key, after.image) if after else (f"{user}/" if user else "", NIL)
    end = f"{user}0" if user else _LAST  # "0" comes right behind "/"
    rows = await database.fetch("audit_images", *place, end, limit)
    return [Row(row["key"], str(row["id"]), row["bytes"], row["deleted"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Original:
    """A stored image as its row says now."""

    row: Row
    sha256: str
    prompt_id: str | None
    backend: str | None
    pool: str


async def original(database: Database, image: str) -> Original | None:
    """One image, None if there is none or it never had a file."""
    row = await database.fetchrow("audit_image", image)
    if row is None or row["key"] is None:
        return None
    known = Row(row["key"], str(row["id"]), row["bytes"], row["deleted"])
    prompt_id = str(row["prompt_id"]) if row["prompt_id"] else None
    return Original(known, row["sha256"], prompt_id, row["backend"], row["pool"])


async def owner(database: Database, key: str, prompt_id: str, user: str, character: str) -> Owner:
    """What is known of a key."""
    row = await database.fetchrow("audit_owner", key, prompt_id, user, character, REMOVABLE_AFTER)
    assert row is not None
    return Owner(**dict(row))


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Images of a series with the same bytes."""

    user: str
    character: str
    indices: Sequence[int]


async def duplicates(database: Database, user: str | None) -> AsyncIterator[Duplicate]:
    """All of them, without any limit of time."""
    async with patient_session(database) as c, c.transaction(readonly=True):
        async for row in c.cursor(sql("audit_duplicates"), user, prefetch=_FETCHED_AT_ONCE):
            yield Duplicate(row["user_id"], row["character_id"], row["indices"])


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that is said to lie at a publisher."""

    id: str
    image: str
    publisher: str
    place: str
    bytes: Bytes


async def copies_page(
    database: Database, publisher: str, user: str | None, after: str, limit: int
) -> list[Copied]:
    """Copies at a publisher, in the order of their ids."""
    return [
        Copied(
            str(row["id"]),
            str(row["image_id"]),
            row["publisher"],
            row["place"],
            Bytes(row["bytes"], row["md5"], row["sha256"]),
        )
        for row in await database.fetch("audit_copies", publisher, user, after, limit)
    ]


async def still_there(database: Database, copy: Copied) -> bool:
    """Whether it is still said to lie at that place."""
    return await database.fetchrow("audit_copy", copy.id, copy.place) is not None


async def publishers(database: Database, user: str | None) -> dict[str, int]:
    """Publishers that copies are said to lie at → how many."""
    async with patient_session(database) as c:
        rows = await c.fetch(sql("audit_publishers"), user)
    return {row["publisher"]: row["copies"] for row in rows}


@dataclass(frozen=True, slots=True)
class Unlisted:
    """An image, and the publishers of its plan that have no row."""

    image: str
    key: str
    publishers: Sequence[str]


async def unlisted_page(
    database: Database, user: str | None, after: str, limit: int
) -> list[Unlisted]:
    """Stored images in the order of their ids; most lack nothing."""
    rows = await database.fetch("audit_unlisted", user, after, limit)
    return [Unlisted(str(row["id"]), row["key"], row["publishers"]) for row in rows]


async def same_copies(database: Database, image: str) -> dict[str, str]:
    """Where copies with the very bytes of the original lie: publisher → url."""
    rows = await database.fetch("audit_same_copies", image)
    return {row["publisher"]: row["url"] for row in rows}


async def publish_again(database: Database, copy: Copied) -> bool:
    """Let it be uploaded once more; false if that is not wanted any more."""
    async with database.transaction() as c:
        row = await c.fetchrow(sql("audit_publish_again"), copy.id)
        if row is not None:
            await engine.send(c, [errand(row["publisher"], row)])
    return row is not None


async def publish(database: Database, image: str, publisher: str) -> bool:
    """Let a copy be made of which there was no row; false if that is not wanted any more."""
    async with database.transaction() as c:
        row = await c.fetchrow(sql("audit_publish"), image, publisher)
        if row is not None:
            await engine.send(c, [errand(publisher, row)])
    return row is not None


async def refuse(database: Database, copy: Copied, reason: str) -> bool:
    """It failed, and listeners hear why; false if it is not said to lie there any more."""
    async with database.transaction() as c:
        await images.lock_members(c, image=copy.image)
        return await c.fetchrow(sql("audit_refuse"), copy.id, reason) is not None
