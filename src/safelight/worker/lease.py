"""The lease: a backend is driven by one worker at a time.

A row in the database, renewed every 3 s for 10 s by the database's clock, with an epoch that rises
with every new owner; every attempt carries it and every write compares it. A worker whose database
session has ended is succeeded at once, a frozen one when its lease ends. A worker that could not
renew for 7 s stops by itself, before anybody else may start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final
from uuid import UUID

import structlog

from safelight.core.errors import DatabaseAway
from safelight.database import leases
from safelight.database.connection import Connection, Database
from safelight.database.images import boottime, open_work
from safelight.pipeline.dispatch import SEND_WITHIN
from safelight.worker.lanes import Lane, Lanes

log = structlog.get_logger()

LEASE: Final = 10.0  # s
RENEW_EVERY: Final = 3.0  # s
CATCH_UP_EVERY: Final = 5.0  # s
GIVE_UP_AFTER: Final = 7.0  # s without a renewal


class Leaseholder:
    """Keeps the leases of all lanes, on a session of its own whose end frees them."""

    def __init__(self, database: Database, lanes: Lanes, me: UUID) -> None:
        self._database = database
        self._lanes = lanes
        self._me = me
        self._connection: Connection | None = None
        self._session = ""
        self._renewed = 0.0

    async def run(self) -> None:
        """For ever."""
        clock = asyncio.get_running_loop().time
        self._renewed = clock()
        while True:
            try:
                async with asyncio.timeout(RENEW_EVERY):
                    await self._renew()
            except (DatabaseAway, TimeoutError) as away:
                log.warning("lease not renewed", reason=str(away) or "no answer in time")
                await self._hang_up()
            if clock() - self._renewed > GIVE_UP_AFTER:
                await self._lose(())
            await asyncio.sleep(RENEW_EVERY if self._connection else 0.5)

    async def catch_up_for_ever(self) -> None:
        """Follow attempts of ours that memory does not know: their commit was in doubt."""
        while True:
            await asyncio.sleep(CATCH_UP_EVERY)
            try:
                for lane in self._lanes.by_name.values():
                    await self._catch_up(lane)
            except DatabaseAway as away:
                log.info("not caught up", reason=str(away))

    async def _catch_up(self, lane: Lane) -> None:
        epoch = lane.epoch
        if epoch is None:
            return
        works = await open_work(self._database, lane.name)
        for work in works:
            # Younger ones may be on their way from the pull to the lane.
            if work.epoch == epoch == lane.epoch and boottime() - work.opened > SEND_WITHIN:
                lane.follow(work, new=False)

    async def release(self) -> None:
        """Give every lease back: another worker may start at once."""
        for lane in self._lanes.by_name.values():
            await lane.stop()
        try:
            await leases.release(self._database, self._me)
        except DatabaseAway as away:
            log.info("leases run out by themselves", reason=str(away))
        await self._hang_up()

    async def _renew(self) -> None:
        if self._connection is None:
            self._connection = await self._database.connect("safelight-lease")
            self._session = await leases.session(self._connection)
        # The clock is read before the statement: the lease may only last longer than we believe.
        asked = asyncio.get_running_loop().time()
        servers = [(lane.name, lane.address, lane.host) for lane in self._lanes]
        held = await leases.take(self._connection, self._me, self._session, servers, LEASE)
        self._renewed = asked
        await self._lose(held)
        for name, lease in held.items():
            lane = self._lanes.by_name[name]
            lane.note_draining(lease.draining)
            lane.know_twin(lease.twin)
            if lane.epoch != lease.epoch:
                await self._gain(lane, lease.epoch)

    async def _gain(self, lane: Lane, epoch: int) -> None:
        works = await leases.adopt(self._database, lane.name, epoch)
        lane.epoch = epoch
        log.info("lease gained", backend=lane.name, epoch=epoch, adopted=len(works))
        for work in works:
            lane.follow(work, new=False)
        lane.doubt.set()

    async def _lose(self, held: Collection[str]) -> None:
        for lane in self._lanes.by_name.values():
            if lane.epoch is not None and lane.name not in held:
                log.warning("lease lost", backend=lane.name)
                await lane.stop()

    async def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
