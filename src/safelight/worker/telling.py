"""Telling: the events of all batches are looked through, and each webhook's deliveries made.

No statement is added to those that move images. Where nobody wants to be told of anything, this is
one look a second.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway
from safelight.database import deliveries, webhooks
from safelight.database.bell import Bell, set_within
from safelight.database.connection import Database

log = structlog.get_logger()

_LOOK_EVERY: Final = 1.0  # s; the bell only makes it faster
_PAUSE: Final = 0.05  # s between two looks
_PAGE: Final = 200  # events


class Teller:
    """Every worker has one; what two do at once is done once."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell

    async def run(self) -> None:
        """For ever."""
        with self._bell.waiting("*") as news:
            while True:
                news.clear()
                anybody = await self._look()
                await asyncio.sleep(_PAUSE if anybody else _LOOK_EVERY)
                if anybody:
                    await set_within(news, _LOOK_EVERY)

    async def _look(self) -> bool:
        """Tell all there is; whether anybody is to be told of anything."""
        try:
            there = await webhooks.news(self._database)
            while there.anybody and there.behind:
                if not await self._tell():
                    break
            return there.anybody
        except DatabaseAway as away:
            log.warning("webhooks are not told", reason=str(away))
            return False

    async def _tell(self) -> bool:
        """Look through a page; whether there may be more."""
        async with self._database.transaction() as c:
            looked, first = await webhooks.tell(c, _PAGE)
            await deliveries.send_first(c, first)
        if first:
            self._bell.ring(errand=True)
        return looked == _PAGE
