"""The audience: those who listen to all events, and what they see of images that are drawn.

Progress says whose image it is of, so that whoever reaches it is told without a look at the
database, and nobody else. Of which batches they have heard lately, of those previews are made. What
a process remembers for those who come late it may remember too long: it need not have heard of the
image's end. So before one of them joins, images that are not drawn any more are forgotten.
"""

from __future__ import annotations

import asyncio
from typing import Final

from safelight.database import previews
from safelight.database.bell import EVERY, Bell
from safelight.database.connection import Database
from safelight.database.progress import Progress
from safelight.pipeline.watching import Watching

_FRESH_FOR: Final = 1.0  # s; however many come, one look is enough


class Audience:
    """One per hub."""

    def __init__(self, database: Database, bell: Bell, watching: Watching) -> None:
        self._database = database
        self._bell = bell
        self._watching = watching
        self._looked = float("-inf")

    def shown(self, progress: Progress) -> None:
        """One of them has heard of this."""
        self._watching.lately(progress.batch)

    async def come(self) -> None:
        """One more is about to join. Raises `DatabaseAway`."""
        now = asyncio.get_running_loop().time()
        known = {progress.image for progress in self._bell.progress_of(EVERY)}
        if not known or now - self._looked < _FRESH_FOR:
            return
        self._looked = now
        for image in known - await previews.drawn(self._database, sorted(known)):
            self._bell.forget(image)
