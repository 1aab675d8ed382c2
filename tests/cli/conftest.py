"""A scripted server with its client, and shells in which commands are typed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from safelight.client import AsyncClient
from tests.cli.scripted_server import ScriptedServer
from tests.cli.terminal import Shell
from tests.processes import Processes


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


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A working folder and a home of its own; no database is started unless a command does."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Shell(folder, {"SAFELIGHT_HOME": str(tmp_path / "home")})


@pytest.fixture
def backed(shell: Shell, processes: Processes, database_url: str) -> Shell:
    """The same with a database, a simulated backend and a character `mira` on it."""
    shell.environ["SAFELIGHT_DATABASE_URL"] = database_url
    shell.configure(processes.simulate().url)
    return shell
