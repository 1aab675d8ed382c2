"""Erasing a user, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from safelight.assembly.parts import opened_database
from safelight.assembly.publishing import make_publishers
from safelight.assembly.sharing import shared_store
from safelight.core.naming import check_user
from safelight.database.bell import Bell
from safelight.database.erasing import Known, known
from safelight.pipeline.erasing import Eraser
from safelight.pipeline.wishes import Wishes
from safelight.settings import Settings

_BEYOND = 10.0  # s beyond the time in which a silent backend is given up


@asynccontextmanager
async def erasing(settings: Settings, user: str) -> AsyncIterator[Eraser]:
    """What erases; nothing is erased yet.

    Raises:
        Invalid: this is no user id.
        SettingsError: the store is another one.
        DatabaseAway, StoreError: no answer.
    """
    check_user(user)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(opened_database(settings))
        store = await shared_store(settings, database)
        publishers = make_publishers(settings)
        for publisher in publishers.values():
            stack.push_async_callback(publisher.close)
        wishes = Wishes(database, Bell(database, "erase"), settings.rendering.deadline)
        patience = settings.rendering.lost_after + _BEYOND
        yield Eraser(database, store, wishes, publishers, patience)


async def known_of(eraser: Eraser, user: str) -> Known:
    """What there is of a user now. Raises DatabaseAway."""
    return await known(eraser.database, user)
