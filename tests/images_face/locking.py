"""A database that lets nobody in for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from safelight.database.embedded import Server


@asynccontextmanager
async def locked_out(server: Server, name: str) -> AsyncIterator[None]:
    """Nobody has a session with this database, and nobody gets one."""
    beside = await asyncpg.connect(**server.connect_arguments())
    try:
        await beside.execute(f"alter database {name} allow_connections false")
        ended = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1"
        await beside.fetch(ended, name)
        yield
    finally:
        await beside.execute(f"alter database {name} allow_connections true")
        await beside.close()
