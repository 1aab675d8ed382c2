"""A worker: leases, the pull, the reconciler and the upkeep of every lane, started and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

import structlog

from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.stopping import stop
from safelight.worker.lanes import Lane, Lanes
from safelight.worker.lease import Leaseholder
from safelight.worker.neighbours import Neighbours
from safelight.worker.previews import Previews
from safelight.worker.pull import Puller
from safelight.worker.reconcile import Reconciler
from safelight.worker.unwanted import Unwanted
from safelight.worker.upkeep import Upkeep

log = structlog.get_logger()

_STALE = 15.0  # s without a look at the line: the loop hangs


class Worker:
    """Drives the backends it may lease."""

    def __init__(
        self,
        database: Database,
        bell: Bell,
        lanes: Sequence[Lane],
        reconciler: Reconciler,
        me: UUID,
        in_flight_per_user: int | None = None,
        beside: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
    ) -> None:
        """`beside` are further loops, by name: what is done beside rendering."""
        self._lanes = Lanes(lanes)
        self._leases = Leaseholder(database, self._lanes, me)
        self._puller = Puller(database, bell, self._lanes, me, in_flight_per_user)
        self._unwanted = Unwanted(database, bell, self._lanes)
        self._neighbours = Neighbours(database, self._lanes)
        self._reconciler = reconciler
        self._previews = Previews(database, bell, self._lanes)
        self._upkeeps = [Upkeep(lane, database, bell, self._previews, me) for lane in lanes]
        self._beside = beside or {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._run(), name="worker")

    async def stop(self) -> None:
        """Stop pulling, release the leases, leave prompts where they are to be adopted."""
        await stop(self._task)
        await self._leases.release()
        for lane in self._lanes:
            await lane.renderer.close()

    def how(self) -> str:
        """ "ok", or what is wrong with this worker."""
        if self._task is None or self._task.done():
            return "the worker has stopped"
        now = asyncio.get_running_loop().time()
        if now - self._puller.last_look > _STALE:
            return "the worker has not looked at the line for a while"
        return "ok"

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_for_ever("leases", self._leases.run))
            tasks.create_task(_for_ever("pull", self._puller.run))
            tasks.create_task(_for_ever("unwanted", self._unwanted.run))
            tasks.create_task(_for_ever("reconcile", self._reconciler.run))
            tasks.create_task(_for_ever("neighbours", self._neighbours.run))
            tasks.create_task(_for_ever("catch up", self._leases.catch_up_for_ever))
            tasks.create_task(_for_ever("watched", self._previews.look))
            tasks.create_task(_for_ever("previews", self._previews.make))
            for name, loop in self._beside.items():
                tasks.create_task(_for_ever(name, loop))
            for upkeep in self._upkeeps:
                tasks.create_task(_for_ever("hints", upkeep.listen))
                tasks.create_task(_for_ever("probe", upkeep.probe))


async def _for_ever(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """A loop of the worker: a fault of ours in one of them must not end the others."""
    while True:
        try:
            await loop()
        except Exception:
            log.exception("a loop of the worker broke and begins anew", loop=name)
            await asyncio.sleep(1)
