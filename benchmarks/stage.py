"""The stage of a benchmark: a fresh home with a database on disk, simulated servers, `serve`.

The home lies in the working copy, not in a folder that might be kept in memory: an order that is
durable must have reached a disk. Nothing of the developer's own settings gets in.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg

from safelight.database import embedded
from tests.processes import Processes, Serving, Simulating

HOMES: Final = Path(__file__).parent.parent / ".cache" / "benchmarks"
T = TypeVar("T")


class Stage(Processes):
    """Processes with one home and its embedded PostgreSQL, started as `serve` starts it."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, "")
        self.postgres = home / "state" / "postgres"

    def environ(self) -> dict[str, str]:
        """Without a database's URL: the embedded one is used."""
        return {name: value for name, value in super().environ().items() if "DATABASE" not in name}

    def simulate_many(self, count: int, *arguments: str, seconds: float) -> list[Simulating]:
        """So many servers, each a process of its own."""
        return [self.simulate(*arguments, seconds=seconds) for _ in range(count)]

    def simulate_in_one(self, count: int, *, seconds: float) -> list[Simulating]:
        """So many servers, all in one process."""
        first = self.simulate("--count", str(count), seconds=seconds)
        lines = [first.process.line_with("ready ") for _ in range(count - 1)]
        return [first, *(Simulating(first.process, line.split()[-1]) for line in lines)]

    def serve_for(self, simulated: list[Simulating], *arguments: str, config: str = "") -> Serving:
        """`serve`, driving these servers."""
        return self.serve([one.url for one in simulated], *arguments, config=config)

    def with_database(self, ask: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """Ask the database something, on a session of its own."""

        async def asking() -> T:
            server = await embedded.attach(self.postgres)
            try:
                connection = await asyncpg.connect(**server.connect_arguments())
                try:
                    return await ask(connection)
                finally:
                    await connection.close()
            finally:
                await embedded.release(server)

        return asyncio.run(asking())

    def durability(self) -> dict[str, str]:
        """What the database promises about its commits."""

        async def ask(connection: Any) -> dict[str, str]:
            names = ("fsync", "synchronous_commit", "full_page_writes")
            return {name: await connection.fetchval(f"show {name}") for name in names}

        return self.with_database(ask)


@contextmanager
def stage() -> Iterator[Stage]:
    """A fresh one; everything it started ends with it, and its home is removed."""
    for name in [name for name in os.environ if name.startswith("SAFELIGHT_")]:
        del os.environ[name]
    HOMES.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(dir=HOMES))
    made = Stage(home)
    try:
        yield made
    finally:
        made.stop_all()
        shutil.rmtree(home, ignore_errors=True)
