"""Wishes to cancel: what is at our backends and nobody wants any more is told to its follower."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway
from safelight.database import images
from safelight.database.bell import Bell, set_within
from safelight.database.connection import Database
from safelight.worker.lanes import Lanes

log = structlog.get_logger()

LOOK_EVERY: Final = 1.0  # s; the bell only makes it faster


class Unwanted:
    """Looks for wishes while something is at a backend of ours."""

    def __init__(self, database: Database, bell: Bell, lanes: Lanes) -> None:
        self._database = database
        self._bell = bell
        self._lanes = lanes

    async def run(self) -> None:
        """For ever."""
        while True:
            await set_within(self._bell.wishes, LOOK_EVERY)
            self._bell.wishes.clear()
            try:
                await self._look()
            except DatabaseAway as away:
                log.info("wishes not read", reason=str(away))
                await asyncio.sleep(LOOK_EVERY)

    async def _look(self) -> None:
        busy = [lane.name for lane in self._lanes if lane.open]
        if not busy:
            return
        for backend, prompt_id in await images.unwanted(self._database, busy):
            self._lanes.by_name[backend].let_go(prompt_id)
