"""Errands: what is done beside rendering, a few at once, by whichever worker is free.

A token says "look at this row". The row is claimed and the token ended in one transaction; from
then on the row counts: a claim lasts `CLAIM` seconds (see `core.delivering`) and is renewed while
its errand runs, so what a killed worker had begun is taken up by another one. A frozen worker and
its successor may do the same errand at once: every errand must bear that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

import structlog

from safelight.core.errors import DatabaseAway
from safelight.database import engine
from safelight.database.bell import Bell, set_within
from safelight.database.connection import Connection, Database
from safelight.database.stopping import stop

log = structlog.get_logger()

_RENEW_EVERY: Final = 5.0  # s
_CATCH_UP_EVERY: Final = 10.0  # s
_LOOK_EVERY: Final = 1.0  # s; the bell only makes it faster
_LEAVE: Final = 0.5  # s an errand gets to end when the worker stops; below stopping's patience

Claimed = TypeVar("Claimed")


class Runner(Protocol[Claimed]):
    """What one kind of errand is."""

    @property
    def kind(self) -> str:
        """Of its errands."""

    @property
    def room(self) -> int:
        """How many of them at once."""

    async def claim(self, c: Connection, row: str, worker: UUID) -> Claimed | None:
        """Claim it until `CLAIM` seconds from now; None: there is nothing to be done."""

    async def carry(self, claimed: Claimed) -> float | None:
        """Do it, and write what came of it; seconds in which no other should be begun."""

    async def renew(self, rows: Sequence[str], worker: UUID) -> None:
        """Let the claims on these rows last `CLAIM` seconds from now."""

    async def release(self, rows: Sequence[str], worker: UUID) -> None:
        """Give claims back: nothing came of them."""

    async def catch_up(self, *, started: bool) -> None:
        """Make tokens for what is due and may have lost its own; `started`: what waits for another
        try is due now, since the trouble may be over."""


class Errands(Generic[Claimed]):
    """Runs the errands of one kind."""

    def __init__(self, database: Database, bell: Bell, runner: Runner[Claimed], me: UUID) -> None:
        self._database = database
        self._bell = bell
        self._runner = runner
        self._me = me
        self._running: dict[asyncio.Task[None], str] = {}
        self._wake = asyncio.Event()
        self._paused_until = 0.0  # loop time

    async def run(self) -> None:
        """For ever; cancelled, those under way get a moment to end."""
        self._bell.errands.add(self._wake)
        beside = [
            asyncio.create_task(self._renew_for_ever(), name=f"renew {self._runner.kind}"),
            asyncio.create_task(self._catch_up_for_ever(), name=f"catch up {self._runner.kind}"),
        ]
        try:
            while True:
                self._wake.clear()
                await self._begin_all()
                await set_within(self._wake, _LOOK_EVERY)
        finally:
            self._bell.errands.discard(self._wake)
            await self._leave()
            await stop(*beside)

    async def _begin_all(self) -> None:
        try:
            while len(self._running) < self._runner.room and not self._paused():
                if not await self._begin():
                    return
        except DatabaseAway as away:
            log.warning("cannot look for errands", kind=self._runner.kind, reason=str(away))

    async def _begin(self) -> bool:
        async with self._database.transaction() as c:
            row = await engine.take_errand(c, self._runner.kind, self._me)
            if row is None:
                return False
            claimed = await self._runner.claim(c, row, self._me)
        if claimed is not None:
            task = asyncio.create_task(self._carry(claimed), name=f"{self._runner.kind} {row}")
            self._running[task] = row
            task.add_done_callback(self._done)
        return True

    async def _carry(self, claimed: Claimed) -> None:
        try:
            pause = await self._runner.carry(claimed)
        except DatabaseAway as away:
            # The claim runs out, and somebody looks again.
            log.warning("errand not noted", kind=self._runner.kind, reason=str(away))
            return
        if pause:
            loop = asyncio.get_running_loop()
            self._paused_until = max(self._paused_until, loop.time() + pause)
            loop.call_later(pause, self._wake.set)

    def _done(self, task: asyncio.Task[None]) -> None:
        row = self._running.pop(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("errand broke", kind=self._runner.kind, row=row, exc_info=error)

    def _paused(self) -> bool:
        return asyncio.get_running_loop().time() < self._paused_until

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_EVERY)
            if not self._running:
                continue
            try:
                await self._runner.renew(sorted(self._running.values()), self._me)
            except DatabaseAway as away:
                log.warning("claims not renewed", kind=self._runner.kind, reason=str(away))

    async def _catch_up_for_ever(self) -> None:
        started = True
        while True:
            try:
                await self._runner.catch_up(started=started)
                started = False
                self._wake.set()
            except DatabaseAway as away:
                log.warning("cannot catch up", kind=self._runner.kind, reason=str(away))
            await asyncio.sleep(_CATCH_UP_EVERY)

    async def _leave(self) -> None:
        if not self._running:
            return
        _, left = await asyncio.wait(self._running, timeout=_LEAVE)
        rows = [self._running[task] for task in left if task in self._running]
        await stop(*left)
        try:
            await self._runner.release(rows, self._me)
        except DatabaseAway as away:
            log.info("claims not given back, they run out", reason=str(away))
