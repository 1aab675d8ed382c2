"""The reconciler: puts right what a kill, a restart or time has left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway
from safelight.core.records import ImageError
from safelight.core.retrying import FOR_GOOD, LOST, MISSING, RULES, WAITED_FOR
from safelight.core.states import QUEUED
from safelight.database import arrows, engine, images, leases, pruning, shares
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.images import Locked
from safelight.database.pruning import Retention
from safelight.pipeline.closing import Closer
from safelight.pipeline.dispatch import DEADLINE_PASSED

log = structlog.get_logger()

EVERY: Final = 10.0  # s
EXPIRE_EVERY: Final = 1.0  # s
QUEUED_FOR: Final = 5.0  # s an image must be queued before its token is looked after
CHANCE_AFTER: Final = 600.0  # s in line after which a backend may have what it lacked
PRUNE_EVERY: Final = 3600.0  # s
_BITE: Final = 500
_ADVICE: Final = "Start another backend of this pool and retry."
_NIL: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Every process with a worker runs one; what two do at once is done once."""

    closer: Closer
    retention: Retention
    lost_after: float  # s
    undriven: dict[str, float] = field(default_factory=dict)  # backend → since when, loop time

    @property
    def database(self) -> Database:
        return self.closer.database

    @property
    def bell(self) -> Bell:
        return self.closer.bell

    async def run(self) -> None:
        """For ever."""
        clock = asyncio.get_running_loop().time
        renewed = pruned = float("-inf")
        while True:
            try:
                await self.expire_overdue()
                if clock() - renewed >= EVERY:
                    await self.call_back()
                    await self.renew_tokens()
                    await self.let_back()
                    await self.expire_undrawable()
                    await images.give_another_chance(self.database, CHANCE_AFTER)
                    await self.give_up_undriven()
                    renewed = clock()
                if clock() - pruned >= PRUNE_EVERY:
                    await pruning.prune(self.database, self.retention)
                    pruned = clock()
            except DatabaseAway as away:
                log.warning("cannot reconcile", reason=str(away))
            await asyncio.sleep(EXPIRE_EVERY)

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

    async def call_back(self) -> None:
        """Images that wait for their user's others though there is room: somebody was killed before
        calling them back, or the cap was raised or lifted."""
        cap = self.closer.in_flight_per_user
        for user, room in await shares.held_back(self.database, cap):
            while await shares.call_back(self.database, user, room):
                self.bell.ring(line=True)
                if cap is not None:
                    break

    async def expire_overdue(self) -> None:
        """Queued images of batches whose deadline has passed fail."""
        for id in await images.overdue(self.database, _BITE):
            await self._expire(id, DEADLINE_PASSED, lambda image: image.late)

    async def let_back(self) -> None:
        """Queued images that were to be drawn by another backend go back to where they were, when
        the other one has gone, or has not been ready for a while and was only better."""
        gone = await images.let_back(self.database, _BITE, 0, leases.LATELY, FOR_GOOD, False)
        away = await images.let_back(self.database, _BITE, self.lost_after, 0, WAITED_FOR, True)
        if gone or away:
            self.bell.ring(line=True)

    async def expire_undrawable(self) -> None:
        """Queued images that no backend of their pool can draw any more fail: the last one that
        could has gone for good."""
        for id, reason in await images.undrawable(self.database, _BITE, leases.LATELY, FOR_GOOD):
            error = ImageError(RULES[MISSING].code, f"{reason} {_ADVICE}")
            await self._expire(id, error, lambda image: bool(image.not_on))

    async def _expire(self, id: str, error: ImageError, still: Callable[[Locked], bool]) -> None:
        """If that is still so; one transaction for each, so that locks are held for a moment."""
        async with self.database.transaction() as c:
            image = await images.lock(c, id)
            if image is None or image.status != QUEUED or not still(image):
                return
            await arrows.expire(c, id, error)
        self.bell.ring(image.batch)

    async def give_up_undriven(self) -> None:
        """Attempts on backends that nobody has driven for a while are lost: their images are drawn
        elsewhere. What we have seen for so long ourselves counts, not how old the lease is: after
        a night's rest of everything each backend's driver may be back in a moment."""
        now = asyncio.get_running_loop().time()
        names = await leases.undriven(self.database)
        for gone in self.undriven.keys() - names:
            del self.undriven[gone]
        for name in sorted(names):
            if now - self.undriven.setdefault(name, now) < self.lost_after:
                continue
            for work in await images.open_work(self.database, name):
                # The epoch is compared: who takes the lease meanwhile keeps its attempts.
                await self.closer.end(work, LOST, f"nobody drives {name} any more")
