"""What readiness rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from safelight.core.errors import DatabaseAway
from safelight.database.connection import Database
from safelight.database.migrations import moved_on


async def readiness(database: Database, working: Callable[[], str] | None) -> Mapping[str, str]:
    """Check name → "ok" or what is wrong; `working` tells of the worker here. Never raises."""
    found = {"database": await _database(database)}
    if working:
        found["worker"] = working()
    return found


async def _database(database: Database) -> str:
    try:
        row = await database.fetchrow("writable")
        if row is None or row["read_only"]:
            return "read-only"
        return await moved_on(database) or "ok"
    except DatabaseAway as away:
        return str(away)
