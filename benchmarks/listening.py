"""What listeners cost: a batch of 64 while 500 listen to it, against the same batch alone.

Each listener takes every event of the batch over a connection of its own and counts. They are a
process of their own; on two cores they take from `serve` what they burn, which is told.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from statistics import median
from typing import Final
from urllib.parse import urlsplit

from benchmarks.clients import OurClient
from benchmarks.stage import Stage
from benchmarks.timing import spread
from benchmarks.verdict import Verdict, at_most
from benchmarks.watching import cpu_ms

LISTENERS: Final = 500
IMAGES: Final = 64
SECONDS: Final = 0.1  # of one rendering, on each of the servers
SERVERS: Final = 2
_PATIENCE: Final = 100.0  # s
_ID: Final = re.compile(rb"\nid: ([0-9]+)\n")


def listeners(stage: Stage, quick: bool) -> list[Verdict]:
    """Seconds from the order to the batch's end, and to the moment when the last one knows."""
    simulated = stage.simulate_in_one(SERVERS, seconds=SECONDS)
    serving = stage.serve_for(simulated)
    pid = serving.process.popen.pid
    alone, heard, told = list[float](), list[float](), list[float]()

    async def batch(many: int) -> tuple[float, float]:
        async with OurClient(serving.url, width=64, height=64) as ours:
            began = time.perf_counter()
            ordered = await ours.order(IMAGES, wait=0)
            before = cpu_ms(pid)
            await _listened(serving.url, ordered["id"], many)
            return time.perf_counter() - began, cpu_ms(pid) - before

    async def measure() -> None:
        await batch(1)
        for _ in range(1 if quick else 5):
            seconds, idle = await batch(1)
            alone.append(seconds)
            seconds, busy = await batch(LISTENERS)
            heard.append(seconds)
            told.append(busy - idle)

    asyncio.run(measure())
    events = (2 * IMAGES + 2) * LISTENERS
    return [
        Verdict(
            "listeners",
            "a batch of 64 while 500 listen: multiple of the time until one has heard its end",
            *spread([many / one for one, many in zip(alone, heard, strict=True)]),
            "x the floor",
            f"{median(heard):.2f} s",
            f"{median(alone):.2f} s",
            at_most(1.5),
            {"alone": alone, "heard": heard, "cpu_ms": told, "events": events},
        ),
        Verdict(
            "telling",
            "processor time of `serve` for each event told to one of 500 listeners",
            *spread([1e3 * ms / events for ms in told]),
            "µs",
            f"{median(told):.0f} ms",
            "-",
        ),
    ]


async def _listened(url: str, batch: str, many: int) -> None:
    """So many listeners in a process of their own, until each has heard the end."""
    command = [sys.executable, "-m", "benchmarks.listening", url, batch, str(many)]
    running = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    out, _ = await running.communicate()
    assert running.returncode == 0
    numbers = json.loads(out)
    assert numbers == [list(range(1, 2 * IMAGES + 3))], "gaps or doubles"


class _Listener(asyncio.Protocol):
    """Takes everything until the stream ends."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._taken = bytearray()
        self.ended: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._taken += data

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result([int(number) for number in _ID.findall(self._taken)])


async def listen(url: str, batch: str, many: int) -> list[list[int]]:
    """What so many listeners heard, each different list once."""
    host, port = urlsplit(url).netloc.split(":")
    # HTTP/1.0: the body is not cut into chunks and ends with the connection.
    request = f"GET /v1/batches/{batch}/events HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    ended = []
    async with asyncio.timeout(_PATIENCE):
        for _ in range(many):
            _, one = await loop.create_connection(lambda: _Listener(request), host, int(port))
            ended.append(one.ended)
        return [list(heard) for heard in {tuple(await one) for one in ended}]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(listen(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
