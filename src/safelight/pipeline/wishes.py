"""Wishes about what is ordered: cancel it, or try again what has failed.

What waits is withdrawn in the same transaction. What is at a backend stays dispatched, and the
wish is written to its row: whoever drives the attempt takes the prompt back by its own id and only
then cancels the image (`gather`), and so does a successor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from safelight.core.errors import Unknown
from safelight.core.fairness import Fairness, costs
from safelight.core.states import DISPATCHED, FAILED, QUEUED
from safelight.core.wishes import check_cancel, check_retry
from safelight.database import arrows, batches, images, shares
from safelight.database.bell import Bell
from safelight.database.connection import Connection, Database
from safelight.database.images import Member
from safelight.pipeline.closing import drawn_anew


@dataclass(frozen=True, slots=True)
class Wishes:
    """Every method raises `Unknown`, `Conflict` and `DatabaseAway`; then nothing has happened."""

    database: Database
    bell: Bell
    deadline: float  # s a batch has from its retry on
    fairness: Fairness = field(default_factory=Fairness)

    async def cancel_batch(self, id: str) -> None:
        """Cancel what is unfinished; what is stored stays."""
        async with self.database.transaction() as c:
            members = _found(await images.lock_members(c, batch=id), "batch")
            asked = await self._cancel(c, members)
        self.bell.ring(id, wish=asked)

    async def cancel_image(self, id: str) -> None:
        """Cancel one image."""
        async with self.database.transaction() as c:
            members = _found(await images.lock_members(c, image=id), "image")
            asked = await self._cancel(c, members)
        self.bell.ring(members[0].batch, wish=asked)

    async def retry_batch(self, id: str) -> None:
        """Put every failed image in line again, with a new seed and nothing held against it.

        It is drawn once more, so its user takes a turn for it, like for one that is ordered now.
        """
        async with self.database.transaction() as c:
            await shares.lock_turns(c, batch=id)
            members = _found(await images.lock_members(c, batch=id), "batch")
            await self._retry(c, members)
        self.bell.ring(id, line=True, ended=False)

    async def retry_image(self, id: str) -> None:
        """The same for one image."""
        async with self.database.transaction() as c:
            await shares.lock_turns(c, image=id)
            members = _found(await images.lock_members(c, image=id), "image")
            await self._retry(c, members)
        self.bell.ring(members[0].batch, line=True, ended=False)

    async def _cancel(self, c: Connection, members: list[Member]) -> bool:
        """Whether some of them are at a backend."""
        check_cancel([member.status for member in members])
        for member in members:
            if member.status == QUEUED:
                await arrows.withdraw(c, member.id)
        away = [member.id for member in members if member.status == DISPATCHED]
        if away:
            await images.ask_cancel(c, away)
        return bool(away)

    async def _retry(self, c: Connection, members: list[Member]) -> None:
        check_retry([member.status for member in members], erased=members[0].erased)
        await batches.give_time(c, members[0].batch, self.deadline)
        failed = [member for member in members if member.status == FAILED]
        pool, user = failed[0].pool, failed[0].user
        spent = costs(len(failed), self.fairness.weight(user))
        last = await shares.take_turns(c, pool, user, spent[-1])
        for member, cost in zip(failed, spent, strict=True):
            await arrows.retry(c, member.id, await drawn_anew(c, member), last + cost)


def _found(members: list[Member], kind: str) -> list[Member]:
    if not members:
        raise Unknown(f"there is no {kind} with this id")
    return members
