"""A simulator in a process of its own, to be asked, killed and started again."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class Simulator:
    """One running process; `urls` are those it printed."""

    def __init__(self, process: asyncio.subprocess.Process, urls: list[str]) -> None:
        self.process = process
        self.urls = urls

    @property
    def url(self) -> str:
        return self.urls[0]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    async def end(self, number: int) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        await asyncio.wait_for(self.process.wait(), 20)
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def simulator(home: Path, *flags: str, count: int = 1) -> AsyncIterator[Simulator]:
    """Start with these flags on a free port; stopped at the end if it still runs."""
    if "--port" not in flags:
        flags = ("--port", "0", *flags)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "safelight.simulator", "--home", str(home)),
        *("--count", str(count), *flags),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield Simulator(process, [await _ready(process) for _ in range(count)])
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 20)


async def refused(*flags: str) -> tuple[int, str]:
    """Start with flags that are wrong; the exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "safelight.simulator", *flags),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def _ready(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().split()
    assert line[:1] == ["ready"], line
    return line[1]
