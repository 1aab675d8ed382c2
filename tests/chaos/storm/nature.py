"""Does what the plan says: kills, freezes, cuts, faults. Counts what really struck."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from tests.chaos.storm.plan import (
    BACKENDS,
    CUTS,
    KINDS,
    WORKERS,
    Gust,
    Plan,
    Strike,
)
from tests.chaos.storm.stage import Child, Stage
from tests.chaos.storm.watching import Watch
from tests.wire import TROUBLES


@dataclass
class Nature:
    """Blows over one stage."""

    stage: Stage
    watches: list[Watch]
    struck: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(KINDS, 0)))

    async def blow(self, plan: Plan) -> None:
        """The whole storm; afterwards everything runs, nothing is cut, nothing faulty."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for strike in plan.strikes:
                    tasks.create_task(self._strike(strike))
                for gust in plan.gusts:
                    tasks.create_task(self._gust(gust))
        finally:
            for watch in self.watches:
                watch.faults = {}

    async def _gust(self, gust: Gust) -> None:
        await asyncio.sleep(gust.at)
        self.watches[gust.backend].faults = gust.faults

    async def _strike(self, strike: Strike) -> None:
        await asyncio.sleep(strike.at)
        kind = strike.kind
        if kind == "kill-postgres":
            self.struck[kind] += await self._kill_postgres()
        elif kind == "freeze-postgres":
            self.struck[kind] += await self._freeze_postgres(strike.lasts)
        elif kind in CUTS:
            trouble = TROUBLES[CUTS.index(kind)]
            watch = self.watches[strike.target % BACKENDS]
            async with watch.child.busy:
                self.struck[kind] += 1
                await watch.cut(trouble, strike.lasts)
        else:
            child = self._target(kind, strike.target)
            async with child.busy:
                await _until_running(child)
                if kind.startswith("kill"):
                    self.struck[kind] += child.kill(strike.lasts)
                else:
                    self.struck[kind] += await _freeze(child, strike.lasts)

    def _target(self, kind: str, target: int) -> Child:
        match kind.partition("-")[2]:
            case "api":
                return self.stage.api
            case "worker":
                return self.stage.workers[target % WORKERS]
        return self.stage.simulators[target % BACKENDS]

    async def _kill_postgres(self) -> bool:
        """kill -9 of its main process; whoever of ours notices starts it again."""
        for _ in range(100):
            try:
                os.kill(int(self.stage.pid_file.read_text().split()[0]), signal.SIGKILL)
            except (OSError, ValueError, IndexError):
                await asyncio.sleep(0.1)  # it is just being started
            else:
                return True
        return False

    async def _freeze_postgres(self, seconds: float) -> bool:
        """All its processes stand still, and then go on as if nothing had been."""
        processes = [one for one in self.stage.processes() if one.info["name"] == "postgres"]
        for process in processes:
            _send(process, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            for process in processes:
                _send(process, signal.SIGCONT)
        return bool(processes)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


async def _freeze(child: Child, seconds: float) -> bool:
    if not child.send(signal.SIGSTOP):
        return False
    try:
        await asyncio.sleep(seconds)
    finally:
        child.send(signal.SIGCONT)
    return True


async def _until_running(child: Child) -> None:
    for _ in range(100):
        if child.process is not None and child.process.returncode is None:
            return
        await asyncio.sleep(0.05)
