"""Statements about pictures that were there before."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from safelight.core.adopting import Known
from safelight.core.records import Plan, StoredFile
from safelight.database.connection import Connection, Database, Row, sql
from safelight.database.rows import json_text


@dataclass(frozen=True, slots=True)
class Adopted:
    """A picture that lies in the store, to become an image."""

    id: str
    index: int
    seed: int
    attempt: str  # what stands for the one that drew it
    file: StoredFile


async def highest(database: Database, user: str, character: str) -> int:
    """The highest reserved index, 0 for a series that has none."""
    row = await database.fetchrow("highest", user, character)
    return row["highest"] if row else 0


async def known(database: Database, user: str, character: str) -> dict[int, Known]:
    """Every index of a series that an image has."""
    return _known(await database.fetch("known_images", user, character))


async def known_among(
    c: Connection, user: str, character: str, indices: Sequence[int]
) -> dict[int, Known]:
    """Which of these indices an image has."""
    return _known(await c.fetch(sql("known_among"), user, character, indices))


async def go_on_after(c: Connection, user: str, character: str, index: int) -> None:
    """From now on the series gives out higher numbers only; its row is locked until commit."""
    await c.execute(sql("raise_series"), user, character, index, secrets.token_bytes(16))


async def insert(
    c: Connection,
    batch: str,
    user: str,
    character: str,
    plan: Plan,
    metadata: Mapping[str, Any],
    images: Sequence[Adopted],
    publishers: Sequence[str],
) -> None:
    """A completed batch of these images, whose copies at these publishers are to be made."""
    files = [image.file for image in images]
    await c.fetchrow(
        sql("adopt"),
        batch,
        user,
        character,
        plan.pool,
        json_text(asdict(plan) | ({"publishers": list(publishers)} if publishers else {})),
        json_text(metadata),
        list(publishers),
        [image.id for image in images],
        [image.index for image in images],
        [image.seed for image in images],
        [image.attempt for image in images],
        [file.key for file in files],
        [file.bytes for file in files],
        [file.content_type for file in files],
        [file.width for file in files],
        [file.height for file in files],
        [file.sha256 for file in files],
        [file.pixels_sha256 for file in files],
    )


def _known(rows: Sequence[Row]) -> dict[int, Known]:
    return {
        row["index"]: Known(
            str(row["prompt_id"]) if row["prompt_id"] else None,
            row["bytes"],
            row["pixels"],
            row["deleted"],
        )
        for row in rows
    }
