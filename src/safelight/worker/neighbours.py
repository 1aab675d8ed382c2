"""Neighbours: backends that write to one folder, found out without a prompt.

A file of ours that one backend has made and another one shows proves it. That does no harm, since
every attempt has a folder of its own; but whoever runs them should know, and on a network file
system say so (`pools.NAME.shared_output`). Asked once for each pair and lease.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway
from safelight.database import leases
from safelight.database.connection import Database
from safelight.database.images import Work
from safelight.pipeline.dispatch import Graphs
from safelight.pipeline.endings import LOOK_AGAIN
from safelight.renderers.base import Finished, Rendered, Silent
from safelight.renderers.health import READY
from safelight.worker.lanes import Lane, Lanes

log = structlog.get_logger()

EVERY: Final = 60.0  # s between two rounds of questions about the pictures of one backend
_STALE: Final = 60.0  # s after which somebody may have cleared the file away
_TICK: Final = 1.0  # s


class Neighbours:
    """Those among the backends of one worker."""

    def __init__(self, database: Database, lanes: Lanes) -> None:
        self._database = database
        self._lanes = lanes
        self._graphs = Graphs(database)
        self._asked: set[frozenset[tuple[str, int]]] = set()  # pairs of name and epoch
        self._due: dict[str, float] = {}  # backend → when the next round may begin, loop time

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(_TICK)
            try:
                for lane in self._lanes:
                    await self._look(lane)
            except DatabaseAway as away:
                log.info("neighbours not asked", reason=str(away))

    async def _look(self, lane: Lane) -> None:
        """Where it is time, ask the others for a picture that this one has made."""
        if lane.newest is None:
            return
        work, at = lane.newest
        now = asyncio.get_running_loop().time()
        if now - at > _STALE:
            lane.newest = None
        elif now - at > LOOK_AGAIN and now >= self._due.get(lane.name, now):
            others = [other for other in self._lanes if self._to_ask(lane, other)]
            if others:
                self._due[lane.name] = now + EVERY
                await self._ask(lane, work, others)

    def _to_ask(self, lane: Lane, other: Lane) -> bool:
        if other is lane or other.health.state != READY:
            return False
        pair = _pair(lane, other)
        return pair is not None and pair not in self._asked

    async def _ask(self, lane: Lane, work: Work, others: list[Lane]) -> None:
        prompt = await self._graphs.prompt(work)
        if prompt.folder is None:
            return
        for other in others:
            pair = _pair(lane, other)
            sighting = await other.renderer.look(prompt)
            if pair is None or isinstance(sighting, Silent):
                continue
            shares = isinstance(sighting, Finished) and isinstance(sighting.outcome, Rendered)
            if await leases.note_sharing(self._database, lane.name, other.name, shares=shares):
                told = "backends write to one folder" if shares else "no longer in one folder"
                log.info(told, backends=[lane.name, other.name])
            self._asked.add(pair)


def _pair(one: Lane, other: Lane) -> frozenset[tuple[str, int]] | None:
    """Two backends under their present leases; None if one is not ours."""
    if one.epoch is None or other.epoch is None:
        return None
    return frozenset({(one.name, one.epoch), (other.name, other.epoch)})
