"""Statements about series: which there are, which images of them match, where their files lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from safelight.core.records import Image, ListedSeries
from safelight.core.rights import Rights
from safelight.core.selecting import Filters, Matched, Named
from safelight.core.states import STORED
from safelight.database.batches import names
from safelight.database.connection import Database, Row
from safelight.database.rows import from_json, image_of


@dataclass(frozen=True, slots=True)
class Asked:
    """Which series of the list; None: all."""

    user: str | None
    character: str | None
    after: tuple[datetime, str, str] | None  # ordered then, of this user and character
    limit: int


@dataclass(frozen=True, slots=True)
class Held:
    """A file that lies in the store."""

    index: int
    bytes: int
    stored_at: int  # Unix s


async def images(
    database: Database,
    user: str,
    character: str,
    filters: Filters,
    before: int | None,
    limit: int,
) -> list[Image]:
    """Images of a series below an index, highest first."""
    rows = await database.fetch("series_images", user, character, before, limit, *_values(filters))
    return [image_of(row) for row in rows]


async def indices(database: Database, user: str, character: str, filters: Filters) -> Matched:
    """Which indices of a series match."""
    row = await database.fetchrow("series_indices", user, character, *_values(filters))
    assert row is not None
    ranges = list(zip(row["tops"], row["bottoms"], strict=True))
    return Matched(row["highest"], row["count"], ranges)


async def listed(database: Database, asked: Asked, rights: Rights) -> list[ListedSeries]:
    """Series that somebody with these rights reaches, those first that were ordered from last."""
    rows = await database.fetch(
        "list_series",
        _both(asked.user, rights.users),
        _both(asked.character, rights.characters),
        *(asked.after or (None, None, None)),
        asked.limit,
    )
    return [_listed(row) for row in rows]


async def stored_files(
    database: Database, user: str, character: str, below: int, limit: int
) -> list[Held]:
    """What of a series has a file, below an index, highest first."""
    rows = await database.fetch("stored_files", user, character, below, limit)
    return [_held(row) for row in rows]


async def numbered_files(
    database: Database, user: str, character: str, indices: Sequence[int]
) -> tuple[list[Named], list[Held]]:
    """How images of these indices are, those that there are; and the files they have."""
    rows = await database.fetch("numbered_files", user, character, indices)
    named = [Named(row["index"], row["status"], row["deleted"]) for row in rows]
    return named, [_held(row) for row in rows if row["status"] == STORED and not row["deleted"]]


async def file_keys(
    database: Database, user: str, character: str, indices: Sequence[int]
) -> dict[int, str]:
    """Where the files of these images lie, of those that are not deleted."""
    rows = await database.fetch("file_keys", user, character, indices)
    return {row["index"]: row["key"] for row in rows}


def _values(filters: Filters) -> tuple[object, ...]:
    return filters.status, filters.starred, filters.deleted, filters.created_before


def _both(asked: str | None, reached: frozenset[str] | None) -> list[str] | None:
    """The ids that are asked for and reached; None: all."""
    if asked is None:
        return names(reached)
    return [asked] if reached is None or asked in reached else []


def _listed(row: Row) -> ListedSeries:
    counts = from_json(row["counts"])
    stored = row["images"] - sum(counts.values())
    latest = (str(row["latest_id"]), row["latest_index"]) if row["latest_id"] else None
    return ListedSeries(
        user=row["user_id"],
        character=row["character_id"],
        highest=row["highest"],
        counts={**counts, STORED: stored} if stored else counts,
        latest=latest,
        ordered_at=row["ordered_at"],
    )


def _held(row: Row) -> Held:
    return Held(row["index"], row["bytes"], row["stored_at"])
