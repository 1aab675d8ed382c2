"""Attempts that were given up because their backend was silent, and have a picture all the same.

The first whole picture of any of an image's attempts is taken. So a backend that answers again is
asked for what was given up there while the image still waits: a picture that is finished is taken
at once, even if another attempt carries the image by now; one that is still being drawn is awaited
where the image is queued, and left to run beside the other attempt where it is not.
"""

from __future__ import annotations

import asyncpg
import structlog

from safelight.core.states import QUEUED
from safelight.database import arrows, holds, images
from safelight.database.arrows import Driver
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.images import GivenUp, Work
from safelight.pipeline.dispatch import Graphs
from safelight.pipeline.holding import hold_killer
from safelight.renderers.base import Finished, Nowhere, Rendered, Running, Silent, Waiting
from safelight.worker.lanes import Lane

log = structlog.get_logger()


class Latecomers:
    """Those of one lane."""

    def __init__(self, lane: Lane, database: Database, bell: Bell) -> None:
        self._lane = lane
        self._database = database
        self._bell = bell
        self._graphs = Graphs(database)

    async def look(self) -> bool:
        """Take back what can be; whether some are left to be looked at again.

        Raises:
            DatabaseAway: look again.
        """
        left = False
        for late in await images.given_up(self._database, self._lane.name):
            left |= await self._may_come_later(late)
        return left

    async def _may_come_later(self, late: GivenUp) -> bool:
        prompt = await self._graphs.prompt(late.work)
        sighting = await self._lane.renderer.look(prompt)
        if isinstance(sighting, Running | Waiting | Finished):
            await holds.acquit(self._database, late.work.prompt_id)
        match sighting:
            case Finished(Rendered((_, *_), cached=False)):
                return not await self._take_back(late.work, whole=True)
            case Running() | Waiting():
                return not (late.queued and await self._take_back(late.work, whole=False))
            case Nowhere():
                await self._came_back_without(late.work)
            case Silent():
                return True
        return False

    async def _came_back_without(self, work: Work) -> None:
        """If it was seen to run there before its backend fell silent, that had died."""
        async with self._database.transaction() as c:
            image = await images.lock(c, work.image)
            deaths = await holds.prove_death(c, work.prompt_id)
            killer = await hold_killer(c, work.plan, deaths)
            failed = killer is not None and image is not None and image.status == QUEUED
            if killer and failed:
                await arrows.expire(c, work.image, killer)
        if failed:
            self._bell.ring(work.batch)

    async def _take_back(self, work: Work, *, whole: bool) -> bool:
        """Without a whole picture only while no other attempt carries the image."""
        epoch, slot = self._lane.epoch, self._lane.free_slot()
        if epoch is None or slot is None:
            return False
        driver = Driver(self._lane.name, epoch, slot)
        try:
            async with self._database.transaction() as c:
                image = await images.lock(c, work.image)
                if image is None or not (whole or image.status == QUEUED):
                    raise _NotOurs
                if not await arrows.take_back(c, image, work.prompt_id, driver):
                    raise _NotOurs
        except (_NotOurs, asyncpg.UniqueViolationError):
            return False  # the pull was faster, or the lease has ended
        log.info("given up, but back", prompt_id=work.prompt_id, backend=work.backend)
        self._lane.abandon("an earlier attempt's picture came first", image=work.image)
        for opened in await images.open_work(self._database, self._lane.name):
            if opened.prompt_id == work.prompt_id and opened.epoch == self._lane.epoch:
                self._lane.follow(opened, new=False)
        self._bell.ring(work.batch, ended=False)
        return True


class _NotOurs(Exception):
    """Roll back."""
