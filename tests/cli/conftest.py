"""Shells in which commands are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import Shell
from tests.processes import Processes


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
