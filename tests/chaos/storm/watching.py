"""How the render servers are, seen from outside: when each answered, and which faults struck."""

from __future__ import annotations

import asyncio
import json
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import aiohttp

from tests.chaos.storm.plan import FAULTS, LEFT_OUT
from tests.chaos.storm.stage import Child, Stage
from tests.wire import Trouble, Wire

LOOK_EVERY = 0.25  # s
LONGEST_GAP = 0.9  # s between two answers; a server that is away for a second is noticed


@dataclass
class Watch:
    """One render server, asked behind the back of Safelight; times are Unix seconds."""

    child: Child
    wire: Wire
    answers: list[float] = field(default_factory=list)
    cuts: list[tuple[float, float]] = field(default_factory=list)
    faults: dict[str, float] = field(default_factory=dict)  # it is to have, in every life
    _struck: dict[int, dict[str, int]] = field(default_factory=dict)  # per life
    _told: tuple[int, dict[str, float]] = (0, {})  # which life was told of which faults

    @property
    def struck(self) -> Counter[str]:
        """How often each fault struck in all lives, as far as anybody could ask."""
        total: Counter[str] = Counter()
        for life in self._struck.values():
            total.update(life)
        return total

    @property
    def address(self) -> str:
        """Its faults, asked for without the wire."""
        return f"http://127.0.0.1:{self.wire.target}/simulator/faults"

    async def look(self) -> None:
        """Ask, for ever; and tell it of its faults, which it forgets when it is killed."""
        while True:
            telling = self.child.life, dict(self.faults)
            found = await ask(self.address)
            if found is not None:
                self.answers.append(time.time())
                self._struck[telling[0]] = found
                if self._told != telling:
                    await self._tell(telling)
            await asyncio.sleep(LOOK_EVERY)

    async def _tell(self, telling: tuple[int, dict[str, float]]) -> None:
        body = json.dumps({**dict.fromkeys((*FAULTS, *LEFT_OUT), 0.0), **telling[1]})
        if await ask(self.address, body) is not None:
            self._told = telling

    async def cut(self, trouble: Trouble, seconds: float) -> None:
        """Cut its wire for so long."""
        began = time.time()
        await self.wire.cut(trouble)
        try:
            await asyncio.sleep(seconds)
        finally:
            await self.wire.mend()
            self.cuts.append((began, time.time()))

    def reachable(self, since: float, until: float) -> bool:
        """Whether it could be reached by Safelight without interruption all that time."""
        if any(began < until and since < ended for began, ended in self.cuts):
            return False
        first, last = bisect_right(self.answers, since), bisect_left(self.answers, until)
        if first == 0 or last == len(self.answers):
            return False
        times = self.answers[first - 1 : last + 1]
        return all(later - earlier <= LONGEST_GAP for earlier, later in pairwise(times))


async def ask(address: str, body: str | None = None) -> dict[str, int] | None:
    """GET or POST JSON on a connection of its own; None where there is no answer."""
    timeout = aiohttp.ClientTimeout(total=0.8)
    connector = aiohttp.TCPConnector(force_close=True)
    method = "GET" if body is None else "POST"
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.request(method, address, data=body) as answer,
        ):
            found = await answer.read()
            return json.loads(found) if found and answer.status == 200 else {}
    except (aiohttp.ClientError, OSError):
        return None


def watches(stage: Stage) -> list[Watch]:
    """One for each render server."""
    pairs = zip(stage.simulators, stage.wires, strict=True)
    return [Watch(child, wire) for child, wire in pairs]
