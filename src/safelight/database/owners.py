"""Statements about whose batches and images are."""

from __future__ import annotations

from safelight.database.connection import Database


async def of(database: Database, id: str, *, batch: bool) -> tuple[str, str] | None:
    """User and character of a batch or an image with this id."""
    row = await database.fetchrow("owner_of_batch" if batch else "owner_of_image", id)
    return (row["user_id"], row["character_id"]) if row else None
