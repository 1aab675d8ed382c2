"""How an attempt is closed: one transaction with everything that follows from it.

Batch row (event number, counters), image row if it has not ended, attempt row, event, a new token
where the image is to be tried again. The attempt's epoch is compared in every write, so a worker
that lost its lease changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg
import structlog

from safelight.core.errors import DatabaseAway
from safelight.core.numbering import draw_seed
from safelight.core.records import ImageError, StoredFile
from safelight.core.retrying import (
    DIED,
    RULES,
    SPARE,
    TWIN,
    Again,
    Decision,
    GiveUp,
    LetGo,
    decide,
    recorded,
)
from safelight.core.states import DISPATCHED
from safelight.database import arrows, images, leases, publications, shares
from safelight.database.arrows import NewSeed
from safelight.database.bell import Bell
from safelight.database.connection import Connection, Database, Row
from safelight.database.images import Locked, Member, Work
from safelight.pipeline.dispatch import DEADLINE_PASSED
from safelight.pipeline.holding import note_death

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Closer:
    """Closes attempts; rings after the commit."""

    database: Database
    bell: Bell
    max_attempts: int = 6
    in_flight_per_user: int | None = None

    async def store(self, work: Work, file: StoredFile) -> bool:
        """Close with a stored picture; true if it was a twin or a spare: nobody needs the file.

        Never true for a worker that lost its lease: the file may be the winner's by now.

        Raises:
            DatabaseAway: nothing was decided.
        """
        try:
            kept = await self._keep(work, file)
        except asyncpg.UniqueViolationError:
            return await self.end(work, TWIN, "the same pixels as another image of this batch")
        if kept is None:
            # The image ended by another attempt, or the attempt is another worker's by now.
            async with self.database.session() as c:
                spare = await images.close_attempt(c, work.prompt_id, work.epoch, SPARE, None)
            await self._call_back(work.user)
            return spare
        log.debug("image stored", image_id=work.image, batch_id=work.batch, index=work.index)
        self._ring(work, ended=kept["ended"], errand=bool(kept["copies"]))
        await self._call_back(work.user)
        return False

    async def _keep(self, work: Work, file: StoredFile) -> Row | None:
        if not work.plan.publishers:
            async with self.database.session() as c:
                return await arrows.keep(c, work, file)
        async with self.database.transaction() as c:
            kept = await arrows.keep(c, work, file)
            await publications.send_copies(c, kept["copies"] if kept else ())
            return kept

    async def end(self, work: Work, outcome: str, detail: str, *, suspicious: bool = False) -> bool:
        """Close without a picture, and do what the table of retry decisions says; false if the
        attempt was not ours to close. `suspicious`: its backend fell silent while it ran there.

        Raises:
            DatabaseAway: nothing was decided.
        """
        async with self.database.transaction() as c:
            image = await images.lock(c, work.image)
            if image is None:
                return False
            outcome = recorded(outcome, unwanted=image.unwanted)
            earlier, twins = await images.misfortunes(c, image)
            if not await images.close_attempt(c, work.prompt_id, work.epoch, outcome, detail):
                return False
            killer = None
            if outcome == DIED or suspicious:
                killer = await note_death(c, work, proven=outcome == DIED)
            if image.status == DISPATCHED:
                decision = decide(
                    outcome,
                    earlier,
                    unwanted=image.unwanted,
                    late=image.late,
                    max_attempts=self.max_attempts,
                    batch_twins=twins,
                    quantity=image.quantity,
                    others=await _others(c, image, work, outcome),
                    killer=killer is not None,
                )
                await self._follow_up(c, image, work, outcome, detail, decision, killer)
        log.info("attempt ended", image_id=work.image, outcome=outcome, detail=detail)
        self._ring(work, line=True)
        await self._call_back(work.user)
        return True

    async def _follow_up(
        self,
        c: Connection,
        image: Locked,
        work: Work,
        outcome: str,
        detail: str,
        decision: Decision,
        killer: ImageError | None,
    ) -> None:
        match decision:
            case LetGo():
                await arrows.cancel(c, image.id)
            case GiveUp(code, advice):
                error = killer or ImageError(code, f"{detail}. {advice}")
                await arrows.fail(c, image.id, error)
            case Again() if image.late:
                await arrows.fail(c, image.id, DEADLINE_PASSED)
            case Again(new_seed, elsewhere, _):
                seed = NewSeed(image.seed, image.redraws)
                if new_seed:
                    seed = await drawn_anew(c, image)
                avoid = work.backend if elsewhere else None
                await arrows.requeue(c, image.id, seed, outcome, avoid=avoid)

    async def _call_back(self, user: str) -> None:
        """There is room for one more image of this user."""
        if self.in_flight_per_user is None:
            return
        try:
            if await shares.call_back(self.database, user):
                self.bell.ring(line=True)
        except DatabaseAway as away:
            log.info("image not called back, the reconciler will", user=user, reason=str(away))

    def _ring(
        self, work: Work, *, line: bool = False, ended: bool = True, errand: bool = False
    ) -> None:
        self.bell.forget(work.image)
        self.bell.ring(work.batch, line=line, ended=ended, errand=errand)


async def drawn_anew(c: Connection, image: Locked | Member) -> NewSeed:
    """The next seed of an image, one that its series has not had."""
    key = await images.seed_key(c, image.user, image.character)
    redraws = image.redraws + 1
    return NewSeed(draw_seed(key, image.index, redraws), redraws)


async def _others(c: Connection, image: Locked, work: Work, outcome: str) -> bool:
    if outcome not in RULES or not RULES[outcome].elsewhere:
        return True
    beside = [*image.not_on, work.backend]
    return await leases.others(c, image.pool, beside, ready=not RULES[outcome].waits)


def wants_memory(outcome: str) -> bool:
    """Whether the backend should be asked to free its memory after this outcome."""
    return outcome in RULES and RULES[outcome].free
