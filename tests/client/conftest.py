"""A scripted server, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from safelight.client import AsyncClient
from tests.cli.scripted_server import ScriptedServer


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    await scripted.start()
    yield scripted
    await scripted.stop()


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.url, timeout=2.0, patience=30.0) as opened:
        yield opened
