"""Copies at publishers that somebody asked to take away: one errand each, until it is done."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog

from safelight.core.delivering import CLAIM, doubling, next_wait
from safelight.database import removals
from safelight.database.connection import Connection, Database
from safelight.database.removals import Unwanted
from safelight.publishers.base import (
    Found,
    Missing,
    NotNow,
    Publisher,
    Refused,
    Removal,
    Removed,
)

log = structlog.get_logger()

_SCHEDULE: Final = doubling()
_UNPROVEN: Final = (
    "something lies there, but its upload was never confirmed: it may be somebody else's"
)


class Removals:
    """The errands that take copies away from one publisher."""

    room = 2

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self.kind = removals.errand_kind(publisher.name)
        self._database = database
        self._publisher = publisher

    async def claim(self, c: Connection, row: str, worker: UUID) -> Unwanted | None:
        """Claim it; None: there is nothing to be done now."""
        return await removals.claim(c, row, worker, CLAIM)

    async def carry(self, claimed: Unwanted) -> float | None:
        """Take it away, and write what came of it; seconds to leave the publisher alone."""
        match await self._remove(claimed):
            case Removed():
                await removals.removed(self._database, claimed)
                return None
            case Refused(reason):
                await removals.not_removed(self._database, claimed, reason, None)
                log.warning("copy not removed", place=claimed.place, reason=reason)
                return None
            case NotNow(reason, pause):
                wait = next_wait(_SCHEDULE, claimed.tries, random.random())
                if wait is not None and pause is not None:
                    wait = max(wait, pause)
                await removals.not_removed(self._database, claimed, reason, wait)
                return pause

    async def renew(self, rows: Sequence[str], worker: UUID) -> None:
        """Let the claims on these rows last from now."""
        await removals.renew(self._database, rows, worker, CLAIM)

    async def release(self, rows: Sequence[str], worker: UUID) -> None:
        """Give claims back: nothing came of them."""
        await removals.release(self._database, rows, worker)

    async def catch_up(self, *, started: bool) -> None:
        """Make tokens for what is due and may have lost its own."""
        await removals.catch_up(self._database, self._publisher.name, started=started)

    async def _remove(self, copy: Unwanted) -> Removal:
        if copy.md5 is not None:
            return await self._publisher.remove(copy.place, copy.md5)
        # It may have arrived without anybody hearing of it; what cannot be proven to be ours stays.
        match await self._publisher.look(copy.place):
            case Missing():
                return Removed()
            case Found():
                return Refused(_UNPROVEN)
            case NotNow() as later:
                return later
