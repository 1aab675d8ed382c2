"""Making keys, put together: beside the server, on its database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from safelight.assembly.parts import opened_database
from safelight.gateway.keymaking import KeyMaker
from safelight.settings import Settings


@asynccontextmanager
async def making_keys(settings: Settings) -> AsyncIterator[KeyMaker]:
    """What makes, lists and revokes keys. Raises SettingsError, DatabaseAway."""
    async with opened_database(settings) as database:
        yield KeyMaker(database)
