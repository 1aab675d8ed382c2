"""Simulators inside the test's own process, and a client for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from safelight.simulator.main import Options, start
from tests.simulator.asking import Client

Start = Callable[..., Awaitable[Client]]


@pytest.fixture
async def simulate(tmp_path: Path) -> AsyncIterator[Start]:
    """Start a simulator with these options, by default as fast as it can; a client of it."""
    async with AsyncExitStack() as stack:

        async def begin(**options: Any) -> Client:
            given = {"home": tmp_path, "port": 0, "seconds": 0.0, **options}
            servers = await start(Options(**given))
            stack.push_async_callback(servers.close)
            output = (
                given.get("output") or tmp_path / "simulator" / _port(servers.urls[0]) / "output"
            )
            return await stack.enter_async_context(Client(servers.urls[0], output))

        yield begin


@pytest.fixture
async def client(simulate: Start) -> Client:
    """A client of a simulator without waits."""
    return await simulate()


@pytest.fixture
async def lab(simulate: Start) -> Client:
    """A client of a simulator with the nodes of the recordings."""
    return await simulate(lab=True)


def _port(url: str) -> str:
    return url.rsplit(":", 1)[1]
