"""The upkeep of a lane: what its backend tells, how it is, and prompts nobody waits for any more.

A websocket makes things fast, probes make them true. A backend that does not answer rests with a
reason and is probed back; its images wait for it only as long as no other lane takes them.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from itertools import chain, repeat
from typing import Any, Final
from uuid import UUID

import structlog

from safelight.core.errors import DatabaseAway
from safelight.core.happenings import GhostCanceled
from safelight.core.naming import is_prompt_id
from safelight.database import leases
from safelight.database.bell import Bell, set_within
from safelight.database.connection import Database
from safelight.database.images import Work
from safelight.database.progress import Progress
from safelight.renderers import base
from safelight.renderers.health import READY
from safelight.worker.lanes import Lane
from safelight.worker.late import Latecomers
from safelight.worker.previews import Previews

log = structlog.get_logger()

PROBE_EVERY: Final = 5.0  # s, while the backend is ready
PROBE_BACK: Final = (0.5, 1.0, 2.0, 4.0)  # s, then every 5 s, after ten minutes every 60 s
_TEN_MINUTES: Final = 120  # probes at 5 s
_TELL_EVERY: Final = 0.5  # s between two messages of progress of one image


class Upkeep:
    """Keeps one lane's state true for as long as this worker drives it."""

    def __init__(
        self, lane: Lane, database: Database, bell: Bell, previews: Previews, me: UUID
    ) -> None:
        self._lane = lane
        self._previews = previews
        self._database = database
        self._bell = bell
        self._me = me
        self._told: dict[str, float] = {}
        self._noted: tuple[str, str | None, int] | None = None
        self._late = Latecomers(lane, database, bell)
        self._late_due = True

    async def listen(self) -> None:
        """Pass on what the backend tells, for ever."""
        while True:
            if self._lane.epoch is None:
                await asyncio.sleep(0.1)
                continue
            hints: Any = self._lane.renderer.hints()
            async with aclosing(hints):
                async for hint in hints:
                    self._heard(hint)
                    if self._lane.epoch is None:
                        break

    def _heard(self, hint: base.Hint) -> None:
        match hint:
            case base.Ended(prompt_id):
                self._told.pop(prompt_id, None)
                self._lane.tell(prompt_id)
            case base.Progress(prompt_id, step, steps, preview):
                self._lane.health.alive(asyncio.get_running_loop().time())
                self._lane.runs(prompt_id)
                work = self._lane.work_of(prompt_id)
                if work is not None:
                    self._pass_on(work, step, steps)
                    if preview is not None:
                        self._previews.offer(work, preview)
            case base.Connected() | base.Disconnected():
                cut = isinstance(hint, base.Disconnected)
                if cut:
                    self._lane.forget_models()  # it may have been restarted
                self._lane.tell_all(cut=cut)
                self._lane.doubt.set()

    def _pass_on(self, work: Work, step: int, steps: int) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told.get(work.prompt_id, 0.0) < _TELL_EVERY:
            return
        self._told[work.prompt_id] = now
        known = self._bell.latest(work.image)
        preview = known.preview if known else 0
        far = step, steps, preview
        self._bell.tell(Progress(work.batch, work.image, *far, work.user, work.character))

    async def probe(self) -> None:
        """Ask how it is, for ever: often while it rests, at once when in doubt."""
        pauses = _probe_back()
        while True:
            self._lane.doubt.clear()
            pause = PROBE_EVERY
            if self._lane.epoch is not None:
                vitals = await self._lane.renderer.probe()
                if isinstance(vitals, base.Silent):
                    self._lane.health.silent(vitals)
                    pause = next(pauses)
                else:
                    pauses = _probe_back()
                    pause = await self._answered(vitals)
                await self._note(pause)
            await set_within(self._lane.doubt, pause)

    async def _answered(self, vitals: base.Vitals) -> float:
        """Judge what it holds; in how many seconds to ask again."""
        lane, now = self._lane, asyncio.get_running_loop().time()
        was = lane.health.state
        stuck = lane.health.answered(vitals, lane.open, lane.longest(), now)
        if stuck:
            log.warning("backend is stuck", backend=lane.name, reason=stuck)
            lane.abandon(stuck)
        try:
            if lane.health.state == READY:
                await self._look_back(again=was != READY)
            await self._cancel_ghosts(vitals)
        except DatabaseAway as away:
            log.info("not looked after", backend=lane.name, reason=str(away))
        return min(PROBE_EVERY, lane.health.rest_left(now) or PROBE_EVERY)

    async def _look_back(self, *, again: bool) -> None:
        """Before anything new is sent to a backend that is back, what was given up there is asked
        for: it may be whole."""
        self._late_due |= again
        self._lane.looked_back &= not again
        if self._late_due:
            self._late_due = await self._late.look()
        if not self._lane.looked_back:
            self._lane.looked_back = True
            self._bell.line.stir()

    async def _note(self, pause: float) -> None:
        health = self._lane.health
        noted = (health.state, health.reason, self._lane.epoch or 0)
        if health.state == READY and noted == self._noted:
            return
        left = None if health.state == READY else pause
        try:
            await leases.note_state(self._database, self._lane.name, *noted[:2], self._me, left)
            self._noted = noted
        except DatabaseAway as away:
            log.info("state of backend not noted", backend=self._lane.name, reason=str(away))

    async def _cancel_ghosts(self, vitals: base.Vitals) -> None:
        # Waiting ones first: else the next would begin as soon as the running one is stopped.
        held = [id for id in chain(vitals.waiting, vitals.running) if is_prompt_id(id)]
        suspects = [id for id in held if not self._lane.opened_lately(id)]
        if not suspects:
            return
        await self._note_twins([id for id in suspects if id not in self._lane.open])
        for ghost in sorted(await leases.ghosts(self._database, suspects), key=held.index):
            gone = await self._lane.renderer.cancel(ghost)
            log.warning("ghost cancelled", backend=self._lane.name, prompt_id=ghost, gone=gone)
            if gone:
                self._database.count(GhostCanceled(self._lane.name))

    async def _note_twins(self, unknown: list[str]) -> None:
        """Prompts that another of our backends opened, which is driven: both are one server. Both
        come to see it, so both choose alike: the first in order is kept."""
        if not unknown:
            return
        for other in await leases.twins(self._database, self._lane.name, unknown):
            kept, rests = sorted((self._lane.name, other))
            await leases.note_twin(self._database, rests, kept)
            if rests == self._lane.name:
                self._lane.know_twin(kept)


def _probe_back() -> chain[float]:
    return chain(PROBE_BACK, repeat(5.0, _TEN_MINUTES), repeat(60.0))
