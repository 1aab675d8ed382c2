"""Statements about batches, series, and the keys under which requests are replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from safelight.core.records import Batch, Plan
from safelight.core.rights import ANYBODY, Rights
from safelight.database.connection import Connection, Database, Row, sql
from safelight.database.rows import batch_of, from_json, json_text


@dataclass(frozen=True, slots=True)
class Reserved:
    """A range of indices and of turns, held by this transaction until it commits."""

    highest: int
    seed_key: bytes
    turn: int  # the turn that the batch begins after: the user's last, or the clock


@dataclass(frozen=True, slots=True)
class NewImage:
    """A member of a batch to be inserted."""

    id: str
    index: int
    seed: int
    turn: int


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch to be inserted."""

    id: str
    user: str
    character: str
    prompt: str
    plan: Plan
    metadata: Mapping[str, Any] | None
    deadline: float  # seconds from now
    seed_explicit: bool
    images: Sequence[NewImage]
    last_in_line: int | None = None  # the last turn that gets a place in the line; None: all do
    traceparent: str | None = None  # where in a trace it was accepted
    parameters: Mapping[str, Any] = field(default_factory=dict)  # that the order named


@dataclass(frozen=True, slots=True)
class Asked:
    """Which batches of a list; None: all."""

    user: str | None
    character: str | None
    status: str | None
    after: tuple[datetime, str] | None  # behind the one created then under that id
    limit: int


def names(ids: frozenset[str] | None) -> list[str] | None:
    """Ids as a statement takes them; None: all."""
    return None if ids is None else sorted(ids)


async def claim_key(c: Connection, scope: str, key: str, fingerprint: str, batch: str) -> bool:
    """Claim an idempotency key for a batch; false if somebody has it."""
    return await c.fetchrow(sql("claim_key"), scope, key, fingerprint, batch) is not None


async def held_key(c: Connection, scope: str, key: str) -> tuple[str, str] | None:
    """Fingerprint and batch of a held key."""
    row = await c.fetchrow(sql("held_key"), scope, key)
    return (row["fingerprint"], str(row["batch_id"])) if row else None


async def reserve(
    c: Connection, user: str, character: str, quantity: int, new_key: bytes, pool: str, cost: int
) -> Reserved:
    """Reserve the next indices of a series and the user's next turns in a pool.

    `cost` is that of all images together (`core.fairness.costs`).
    """
    row = await c.fetchrow(sql("reserve"), user, character, quantity, new_key, pool, cost)
    return Reserved(row["highest"], row["seed_key"], row["turn"])


async def insert(c: Connection, batch: NewBatch) -> tuple[datetime, datetime]:
    """Insert a batch, its images and its first event; returns when, and the deadline."""
    row = await c.fetchrow(
        sql("insert_batch"),
        batch.id,
        batch.user,
        batch.character,
        batch.prompt,
        len(batch.images),
        batch.plan.pool,
        json_text(asdict(batch.plan)),
        None if batch.metadata is None else json_text(batch.metadata),
        batch.deadline,
        [image.id for image in batch.images],
        [image.index for image in batch.images],
        [image.seed for image in batch.images],
        batch.seed_explicit,
        [image.turn for image in batch.images],
        batch.last_in_line,
        batch.traceparent,
        json_text(batch.parameters),
    )
    return row["created_at"], row["deadline"]


async def give_time(c: Connection, batch: str, seconds: float) -> None:
    """Let a batch's deadline be so many seconds from now, if it is not later already."""
    await c.execute(sql("give_time"), batch, seconds)


async def keep_graph(database: Database, sha256: str, canonical: str) -> None:
    """Keep an unfilled graph under its content hash."""
    await database.fetch("insert_graph", sha256, canonical)


async def graph(database: Database, sha256: str) -> Any:
    """The graph with this content hash; it is there as long as a batch names it."""
    row = await database.fetchrow("graph", sha256)
    if row is None:
        raise LookupError(f"graph {sha256} is not in the database")
    return from_json(row["graph"])


async def batch(database: Database, id: str) -> Batch | None:
    """A batch with its images, highest index first, both as of one moment."""
    rows = await database.fetch("batch_with_images", id)
    return batch_of(rows[0], rows, image_id="image_id") if rows else None


async def ended_among(database: Database, ids: Sequence[str]) -> list[str]:
    """Which of these batches have ended."""
    return [str(row["id"]) for row in await database.fetch("ended_among", ids)]


async def batches(database: Database, asked: Asked, rights: Rights = ANYBODY) -> list[Batch]:
    """Batches that somebody with these rights reaches, newest first."""
    created, id = asked.after or (None, None)
    async with database.session() as c:
        rows = await c.fetch(
            sql("batches"),
            asked.user,
            asked.character,
            asked.status,
            created,
            id,
            asked.limit,
            names(rights.users),
            names(rights.characters),
        )
        images = await c.fetch(sql("batch_images"), [row["id"] for row in rows])
    members: dict[str, list[Row]] = {}
    for image in images:
        members.setdefault(str(image["batch_id"]), []).append(image)
    return [batch_of(row, members[str(row["id"])]) for row in rows]


async def series(database: Database, user: str, character: str) -> tuple[int, dict[str, int]]:
    """Highest reserved index (0: none) and images by status."""
    row = await database.fetchrow("series", user, character)
    return (row["highest"], from_json(row["counts"])) if row else (0, {})
