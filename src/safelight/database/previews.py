"""Statements about previews: how images look while they are drawn, and who wants to see that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from safelight.database.connection import Database

MOST_BYTES: Final = 15_000  # of a preview; the table takes no larger one


@dataclass(frozen=True, slots=True)
class Preview:
    """Whose an image is, how it is, and how it looks while it is drawn."""

    user: str
    character: str
    status: str
    number: int  # rises with each preview, 0 where there is none
    picture: bytes | None  # WebP


async def watch(database: Database, batches: Sequence[str], seconds: float) -> None:
    """Say for so long that somebody listens to these batches."""
    await database.fetch("watch", batches, seconds)


async def watched(database: Database, batches: Sequence[str]) -> set[str]:
    """To which of these batches somebody listens, at whichever process."""
    return {str(row["batch_id"]) for row in await database.fetch("watched", batches)}


async def drawn(database: Database, images: Sequence[str]) -> set[str]:
    """Which of these images a backend has now."""
    return {str(row["id"]) for row in await database.fetch("drawn_among", images)}


async def put(database: Database, image: str, prompt_id: str, picture: bytes) -> int | None:
    """Keep the latest preview; its number, None if that attempt no longer draws the image."""
    row = await database.fetchrow("put_preview", image, prompt_id, picture)
    return row["number"] if row else None


async def of_image(database: Database, image: str) -> Preview | None:
    """The latest preview of an image, if there is such an image."""
    row = await database.fetchrow("preview", image)
    if row is None:
        return None
    whose = row["user_id"], row["character_id"]
    return Preview(*whose, row["status"], row["number"] or 0, row["picture"])


async def forget(database: Database) -> None:
    """Delete previews of images that are not drawn any more, and wishes nobody renewed."""
    await database.fetch("forget_previews")
    await database.fetch("forget_watches")
