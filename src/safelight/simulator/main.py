"""Starts simulators: `run` for a process of its own, `start` inside another one."""

from __future__ import annotations

import asyncio
import signal
import sys

from PIL import Image

from safelight.simulator.options import Options
from safelight.simulator.server import Server

__all__ = ["Options", "Servers", "run", "start"]


def run(options: Options) -> int:
    """Serve until Ctrl-C; the exit code.

    SIGTERM is left alone: like the real server this one then ends at once, without a word.
    """
    try:
        return asyncio.run(_serve(options))
    except OSError as error:
        print(f"simulator: {error.strerror or error}", file=sys.stderr)
        return 2


async def start(options: Options) -> Servers:
    """Start all servers and return when they listen.

    servers = await start(Options(home=home, port=0, count=2, seconds=0.5))
    ...
    await servers.close()
    """
    Image.init()  # else the first picture would take the time
    servers = [Server(options, place) for place in range(options.count)]
    started: list[Server] = []
    try:
        for server in servers:
            await server.start()
            started.append(server)
    except OSError:
        await Servers(started).close()
        raise
    return Servers(servers)


class Servers:
    """Running simulators."""

    def __init__(self, servers: list[Server]) -> None:
        self._servers = servers

    @property
    def urls(self) -> list[str]:
        """One for each server, `http://127.0.0.1:8188`."""
        return [server.url for server in self._servers]

    async def close(self) -> None:
        """Stop all of them; running prompts are dropped."""
        for server in self._servers:
            await server.close()

    async def ended(self) -> None:
        """Until a prompt ends one of them, as some do."""
        waits = [asyncio.ensure_future(server.ended.wait()) for server in self._servers]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


async def _serve(options: Options) -> int:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    servers = await start(options)
    for url in servers.urls:
        print(f"ready {url}", flush=True)
    stopped = asyncio.ensure_future(stop.wait())
    ended = asyncio.ensure_future(servers.ended())
    await asyncio.wait([stopped, ended], return_when=asyncio.FIRST_COMPLETED)
    code = 0 if stopped.done() else 1
    stopped.cancel()
    ended.cancel()
    await servers.close()
    print("Stopped server", flush=True)
    return code
