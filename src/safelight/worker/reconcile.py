"""The reconciler: puts right what a kill, a restart or time has left behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway
from safelight.core.states import QUEUED
from safelight.database import arrows, engine, images, pruning
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.pruning import Retention
from safelight.pipeline.dispatch import DEADLINE_PASSED

log = structlog.get_logger()

EVERY: Final = 10.0  # s
QUEUED_FOR: Final = 5.0  # s an image must be queued before its token is looked after
PRUNE_EVERY: Final = 3600.0  # s
_BITE: Final = 500
_NIL: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Every process with a worker runs one; what two do at once is done once."""

    database: Database
    bell: Bell
    retention: Retention

    async def run(self) -> None:
        """For ever."""
        clock = asyncio.get_running_loop().time
        pruned = float("-inf")
        while True:
            try:
                await self.renew_tokens()
                await self.expire_overdue()
                if clock() - pruned >= PRUNE_EVERY:
                    await pruning.prune(self.database, self.retention)
                    pruned = clock()
            except DatabaseAway as away:
                log.warning("cannot reconcile", reason=str(away))
            await asyncio.sleep(EVERY)

    async def renew_tokens(self) -> None:
        """Queued images whose token is gone get a new one in their old place."""
        after = _NIL
        while True:
            places = await images.forgotten(self.database, QUEUED_FOR, after, _BITE)
            if not places:
                return
            async with self.database.transaction() as c:
                await engine.line_up(c, places)
            self.bell.ring(line=True)
            after = places[-1].image

    async def expire_overdue(self) -> None:
        """Queued images of batches whose deadline has passed fail, one transaction each."""
        for id in await images.overdue(self.database, _BITE):
            async with self.database.transaction() as c:
                image = await images.lock(c, id)
                if image is None or image.status != QUEUED:
                    continue
                await arrows.expire(c, id, DEADLINE_PASSED)
            self.bell.ring(image.batch)
