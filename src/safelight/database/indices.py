"""Statements about index.txt: what is behind, who writes it now, what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from safelight.database.connection import Database

CLAIM = 15.0
"""Seconds a claim lasts."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A file that says less than it should."""

    user: str
    character: str
    highest: int  # what it should say
    tries: int = 0  # in vain so far


async def claim(database: Database, claim: UUID, most: int) -> list[Behind]:
    """Series whose file in the store is behind, ours to write for `CLAIM` seconds."""
    rows = await database.fetch("claim_indices", claim, CLAIM, most)
    return [Behind(row["user_id"], row["character_id"], row["highest"]) for row in rows]


async def note(database: Database, file: Behind, claim: UUID, publishers: Sequence[str]) -> None:
    """The store's file says so now; these publishers want it too."""
    await database.fetch(
        "note_index", file.user, file.character, file.highest, claim, list(publishers)
    )


async def want(database: Database, publishers: Sequence[str]) -> None:
    """Publishers that are new get the file of every series."""
    await database.fetch("want_indices", list(publishers))


async def claim_copies(database: Database, publisher: str, claim: UUID, most: int) -> list[Behind]:
    """Copies at a publisher that are behind, ours to write for `CLAIM` seconds."""
    rows = await database.fetch("claim_index_copies", claim, CLAIM, most, publisher)
    return [
        Behind(row["user_id"], row["character_id"], row["wanted"], row["tries"]) for row in rows
    ]


async def note_copy(
    database: Database,
    publisher: str,
    file: Behind,
    claim: UUID,
    reason: str | None = None,
    again_in: float = 0.0,
) -> None:
    """The copy says so now; with a `reason` it does not, and is tried again in so many seconds."""
    written = file.highest if reason is None else None
    await database.fetch(
        "note_index_copy", publisher, file.user, file.character, written, claim, again_in, reason
    )
