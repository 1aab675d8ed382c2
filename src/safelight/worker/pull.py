"""The pull: one loop per worker takes images from the line while a lane has a free slot."""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from safelight.core.errors import DatabaseAway
from safelight.database.arrows import Driver
from safelight.database.bell import Bell, set_within
from safelight.database.connection import Database
from safelight.pipeline.dispatch import Draining, LeaseLost, pull
from safelight.worker.lanes import Lanes

log = structlog.get_logger()

LOOK_EVERY: Final = 1.0  # s; the bell only makes it faster


class Puller:
    """Pulls for all lanes of this worker."""

    def __init__(
        self, database: Database, bell: Bell, lanes: Lanes, me: UUID, cap: int | None = None
    ) -> None:
        self._database = database
        self._bell = bell
        self._lanes = lanes
        self._me = me
        self._cap = cap  # images of one user at backends at the same time
        self._empty: dict[str, int] = {}  # pools whose line was empty, after how many rings
        self.last_look = float("-inf")  # loop time; readiness asks for it

    async def run(self) -> None:
        """For ever."""
        while True:
            heard = await set_within(self._bell.line.wake, LOOK_EVERY)
            self._bell.line.wake.clear()
            if not heard:
                self._empty.clear()
            try:
                await self._pull_all()
                self.last_look = asyncio.get_running_loop().time()
            except DatabaseAway as away:
                log.warning("cannot pull", reason=str(away))
                await asyncio.sleep(LOOK_EVERY)

    async def _pull_all(self) -> None:
        for pool in self._lanes.pools_with_a_free_slot():
            while self._may_give(pool) and (first := self._lanes.choose(pool)):
                rings = self._bell.line.rings  # before the look: who comes meanwhile is not seen
                if not await self._pull(pool, first):
                    self._empty[pool] = rings

    def _may_give(self, pool: str) -> bool:
        return self._empty.get(pool) != self._bell.line.rings

    async def _pull(self, pool: str, first: Driver) -> bool:
        """Whether there is more in line, so that another look is worth it."""
        try:
            pulled = await pull(
                self._database,
                pool,
                self._me,
                first,
                lambda image: self._lanes.choose(pool, image),
                self._cap,
                picky=self._lanes.differ(pool),
            )
        except LeaseLost as lost:
            log.warning("lease ended before an attempt was opened", backend=str(lost))
            await asyncio.sleep(0.2)
            return False
        except Draining as draining:
            self._lanes.by_name[str(draining)].draining = True
            return True
        except asyncpg.UniqueViolationError:
            # An attempt we do not know of holds the slot; taking the lease again will show it.
            log.warning("slot is taken", pool=pool)
            await asyncio.sleep(0.2)
            return False
        if pulled.work:
            self._lanes.by_name[pulled.work.backend].follow(pulled.work, new=True)
        if pulled.changed:
            self._bell.ring(pulled.changed, ended=pulled.ended)
        return pulled.more
