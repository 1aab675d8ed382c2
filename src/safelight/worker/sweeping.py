"""The sweeper: removes the files of deleted images, and deletes originals that are kept no longer.

A loop of its own: a slow store holds up nothing else.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway
from safelight.database import removals
from safelight.pipeline.removing import Remover

log = structlog.get_logger()

_EVERY: Final = 5.0  # s
_OLD_EVERY: Final = 600.0  # s


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Every process with a worker runs one; what two do at once is done once."""

    remover: Remover
    originals_days: int | None  # None: originals are kept for ever

    async def run(self) -> None:
        """For ever."""
        clock = asyncio.get_running_loop().time
        looked = float("-inf")
        while True:
            try:
                await self.remover.remove_files()
                if clock() - looked >= _OLD_EVERY:
                    await self.delete_old()
                    looked = clock()
            except DatabaseAway as away:
                log.warning("cannot sweep", reason=str(away))
            await asyncio.sleep(_EVERY)

    async def delete_old(self) -> None:
        """Delete what is older than the settings say, in small bites, and remove the files."""
        days = self.originals_days
        while days is not None and await removals.delete_old(self.remover.database, days):
            await self.remover.remove_files()
