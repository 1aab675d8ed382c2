"""Everything that is known of how an image came to be."""

from __future__ import annotations

from safelight.core.states import QUEUED
from safelight.database import holds, images
from safelight.database.connection import Database
from safelight.gateway.views import Provenance


async def provenance(database: Database, id: str) -> Provenance | None:
    """Of the image with this id, None if there is none. Raises `DatabaseAway`."""
    found = await images.image(database, id)
    if found is None:
        return None
    hold = await holds.hold_of_image(database, id) if found.status == QUEUED else None
    attempts = await images.attempts(database, id)
    return Provenance(found, attempts, hold.reason if hold else None)
