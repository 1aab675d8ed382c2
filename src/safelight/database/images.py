"""Statements about images and their attempts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from safelight.core.happenings import AttemptEnded
from safelight.core.records import Attempt, Image, Plan
from safelight.database.connection import Connection, Database, Row, sql
from safelight.database.engine import Place
from safelight.database.noting import note
from safelight.database.rows import attempt_of, image_of, plan_of


def boottime() -> float:
    """Seconds on a clock that also runs while the machine sleeps, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


@dataclass(frozen=True, slots=True)
class Locked:
    """An image whose row, and before it its batch row, is locked until commit."""

    id: str
    batch: str
    user: str
    character: str
    index: int
    status: str
    seed: int
    redraws: int
    round: int
    not_on: tuple[str, ...]
    pool: str
    unwanted: bool  # somebody has asked to cancel it
    quantity: int
    left: float  # seconds to its batch's deadline
    plan: Plan
    traceparent: str | None = None  # of its batch

    @property
    def late(self) -> bool:
        """Its batch's deadline has passed."""
        return self.left <= 0


async def lock(c: Connection, image: str) -> Locked | None:
    """Lock batch row and image row, in this order; None if there is no such image."""
    row = await c.fetchrow(sql("lock_image"), image)
    return locked_of(row) if row else None


def locked_of(row: Row) -> Locked:
    """An image as the statement that locked it says."""
    return Locked(
        id=str(row["id"]),
        batch=str(row["batch_id"]),
        user=row["user_id"],
        character=row["character_id"],
        index=row["index"],
        status=row["status"],
        seed=row["seed"],
        redraws=row["redraws"],
        round=row["round"],
        not_on=tuple(row["not_on"]),
        pool=row["pool"],
        unwanted=row["unwanted"],
        quantity=row["quantity"],
        left=row["left"],
        plan=plan_of(row),
        traceparent=row["traceparent"],
    )


@dataclass(frozen=True, slots=True)
class Member:
    """An image of a batch, both rows locked until commit."""

    id: str
    batch: str
    user: str
    character: str
    index: int
    status: str
    redraws: int
    pool: str
    erased: bool  # nobody knows any more what was ordered


async def lock_members(
    c: Connection, *, batch: str | None = None, image: str | None = None
) -> list[Member]:
    """Lock a batch and all its images, or an image and its batch; lowest index first."""
    return [
        Member(
            id=str(row["id"]),
            batch=str(row["batch_id"]),
            user=row["user_id"],
            character=row["character_id"],
            index=row["index"],
            status=row["status"],
            redraws=row["redraws"],
            pool=row["pool"],
            erased=row["erased"],
        )
        for row in await c.fetch(sql("lock_members"), batch, image)
    ]


async def ask_cancel(c: Connection, images: Sequence[str]) -> None:
    """Write the wish to dispatched images that whoever drives them cancels them."""
    await c.execute(sql("ask_cancel"), images)


async def unwanted(database: Database, backends: Sequence[str]) -> list[tuple[str, str]]:
    """Backend and prompt id of every open attempt there that somebody wants canceled."""
    rows = await database.fetch("unwanted", backends)
    return [(row["backend"], str(row["prompt_id"])) for row in rows]


async def close_attempt(
    c: Connection, prompt_id: str, epoch: int, outcome: str, detail: str | None
) -> bool:
    """Close an attempt; false if it is closed or belongs to a newer epoch."""
    rows = await c.fetch(sql("close_attempt"), prompt_id, epoch, outcome, detail)
    note_attempts(c, rows, outcome)
    return bool(rows)


def note_attempts(c: Connection, rows: Sequence[Row], outcome: str) -> None:
    """Have attempts counted that were closed so."""
    for row in rows:
        note(c, AttemptEnded(row["backend"], outcome, row["took"]))


async def misfortunes(c: Connection, image: Locked) -> tuple[Counter[str], int]:
    """Outcome → count for this image since it was last asked for; and twins in its batch."""
    rows = await c.fetch(sql("misfortunes"), image.id, image.round, image.batch)
    here = Counter({row["outcome"]: row["here"] for row in rows})
    return here, sum(row["twins"] for row in rows)


async def seed_key(c: Connection, user: str, character: str) -> bytes:
    """The key that draws seeds in this series."""
    key: bytes = await c.fetchval(sql("seed_key"), user, character)
    return key


async def forgotten(database: Database, age: float, after: str, limit: int) -> list[Place]:
    """Images queued for longer than `age` seconds, in order of id."""
    rows = await database.fetch("forgotten", age, after, limit)
    return [Place(str(r["id"]), r["pool"], r["turn"], r["tries"]) for r in rows]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in the line of a pool."""

    pool: str
    images: int
    oldest: float  # s since it was queued
    without_token: int  # nobody will take them until the reconciler has been


async def waiting(database: Database, patience: float) -> list[Waiting]:
    """What waits, by pool; a token may be missing for `patience` seconds."""
    return [Waiting(**dict(row)) for row in await database.fetch("waiting", patience)]


async def overdue(database: Database, limit: int) -> list[str]:
    """Queued images whose batch's deadline has passed."""
    return [str(row["id"]) for row in await database.fetch("overdue", limit)]


async def undrawable(
    database: Database, limit: int, lately: float, cannot: Sequence[str]
) -> list[tuple[str, str]]:
    """Queued images that every backend driven in the last `lately` seconds cannot draw: their
    attempts there had one of these outcomes. With what was said last."""
    return [
        (str(row["id"]), f"no backend of pool {row['pool']} can draw it: {row['said']}.")
        for row in await database.fetch("undrawable", limit, lately, cannot)
    ]


async def give_another_chance(database: Database, after: float) -> None:
    """Let images that have been queued for `after` seconds be drawn by any backend again."""
    await database.fetch("give_another_chance", after)


async def let_back(
    database: Database, limit: int, waited: float, lately: float, save: Sequence[str], ready: bool
) -> bool:
    """Let images that have waited so many seconds for another backend be drawn where they were,
    save where an attempt had one of these outcomes; whether there were any.

    Only where no other backend was driven in the last `lately` seconds, or takes work (`ready`).
    """
    return bool(await database.fetch("let_back", limit, waited, lately, save, ready))


@dataclass(frozen=True, slots=True)
class Work:
    """An open attempt with all that is needed to bring it to its end."""

    prompt_id: str
    image: str
    batch: str
    user: str
    character: str
    index: int
    seed: int
    backend: str
    epoch: int
    slot: int
    opened: float  # when its transaction began to commit or earlier, on our `boottime()`
    deadline: float  # of its batch, on our `boottime()`
    plan: Plan
    traceparent: str | None = None  # of its batch


@dataclass(frozen=True, slots=True)
class GivenUp:
    """An attempt that was closed as lost, while its image waits for a picture of that seed."""

    work: Work
    queued: bool  # no other attempt carries the image


async def open_work(database: Database, backend: str) -> list[Work]:
    """Every open attempt of a backend."""
    return [_work_of(row) for row in await database.fetch("open_attempts", backend)]


async def given_up(database: Database, backend: str) -> list[GivenUp]:
    """What was given up on a backend within a day and may still give a picture, oldest first."""
    rows = await database.fetch("given_up", backend)
    return [GivenUp(_work_of(row), row["queued"]) for row in rows]


def _work_of(row: Row) -> Work:
    now = boottime()
    return Work(
        prompt_id=str(row["prompt_id"]),
        image=str(row["image_id"]),
        batch=str(row["batch_id"]),
        user=row["user_id"],
        character=row["character_id"],
        index=row["index"],
        seed=row["seed"],
        backend=row["backend"],
        epoch=row["epoch"],
        slot=row["slot"],
        opened=now - row["age"],
        deadline=now + row["left"],
        plan=plan_of(row),
        traceparent=row["traceparent"],
    )


async def image(database: Database, id: str) -> Image | None:
    """One image."""
    row = await database.fetchrow("image", id)
    return image_of(row) if row else None


async def image_id(database: Database, user: str, character: str, index: int) -> str | None:
    """The id of a numbered image of a series."""
    row = await database.fetchrow("image_by_index", user, character, index)
    return str(row["id"]) if row else None


async def attempts(database: Database, image: str) -> tuple[Attempt, ...]:
    """Every attempt of an image, oldest first."""
    return tuple(attempt_of(row) for row in await database.fetch("image_attempts", image))


async def star(database: Database, id: str, *, starred: bool) -> bool | None:
    """Give an image a star or take it away; false if it was deleted, None if there is none."""
    row = await database.fetchrow("star", id, starred)
    return None if row is None else not row["deleted"]
