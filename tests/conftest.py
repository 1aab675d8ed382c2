"""Real parts for all tests: one PostgreSQL, a copy of a migrated template per test, processes."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from safelight.database import embedded
from safelight.database.connection import Database, open_database
from safelight.database.migrations import migrate
from tests.processes import Processes
from tests.standins import s3

_numbers = itertools.count(1)

# What may be missing on a machine; every other skip is a failure.
MAY_BE_SKIPPED = re.compile(r"needs root|sudo make tools|not possible here|needs Node: ")

# Whoever starts the tests in the background has Ctrl-C ignored, and programs inherit that; then a
# test that sends it would prove nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
TEMPLATE = "safelight_template"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that in the end no process waits for another."""
    items.sort(key=lambda item: item.path.parent.name not in ("story", "chaos"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is left out for a reason nobody foresaw proves nothing, so it fails."""
    report = yield
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
    if report.skipped and not MAY_BE_SKIPPED.search(reason):
        report.outcome = "failed"
        report.longrepr = f"may not be skipped: {reason}"
    return report


@pytest.fixture(scope="session", autouse=True)
def bare_environment() -> Iterator[None]:
    """Nothing of the developer's own settings reaches a test."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name[:10] == "SAFELIGHT_"}
    yield
    os.environ.update(kept)


@pytest.fixture(scope="session")
def postgres() -> Iterator[embedded.Server]:
    """One PostgreSQL for the session, in a folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="sl-"))
    server = asyncio.run(embedded.attach(folder / "pg"))
    asyncio.run(_make_template(server))
    yield server
    asyncio.run(embedded.release(server))
    shutil.rmtree(folder, ignore_errors=True)


async def _make_template(server: embedded.Server) -> None:
    await _admin(server, f"create database {TEMPLATE}")
    database = await open_database({**server.connect_arguments(), "database": TEMPLATE})
    await migrate(database)
    await database.close()


async def _admin(server: embedded.Server, statement: str) -> None:
    connection = await asyncpg.connect(**server.connect_arguments())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def database_name(postgres: embedded.Server) -> Iterator[str]:
    """The name of a fresh, migrated database."""
    name = f"t{os.getpid()}_{next(_numbers)}"
    asyncio.run(_admin(postgres, f"create database {name} template {TEMPLATE}"))
    yield name
    asyncio.run(_admin(postgres, f"drop database {name} with (force)"))


@pytest.fixture
def database_url(postgres: embedded.Server, database_name: str) -> str:
    """The same as a URL, for processes."""
    folder = quote(str(postgres.data / "cluster"), safe="")
    return f"postgresql://{postgres.user}@/{database_name}?host={folder}"


@pytest.fixture
async def database(postgres: embedded.Server, database_name: str) -> AsyncIterator[Database]:
    """A pool on a fresh, migrated database."""
    arguments = {**postgres.connect_arguments(), "database": database_name}
    opened = await open_database(arguments)
    yield opened
    await opened.close()


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Iterator[Processes]:
    """Starts `serve`, `work` and `simulate` as processes and ends them, by pid, afterwards."""
    started = Processes(tmp_path, database_url)
    yield started
    started.stop_all()


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The address of an S3 server with a bucket named `bucket`."""
    with s3.running() as url:
        yield url
