"""Whose call may be taken up, and until when, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from safelight.core.errors import DatabaseAway
from safelight.database import calls, erasing
from safelight.database.connection import Database, open_database
from safelight.database.embedded import Server
from safelight.database.pruning import Retention, prune
from safelight.gateway.calls import Calls, Held
from tests.images_face.locking import locked_out

ROUTE = "POST /somewhere"


@pytest.fixture
async def other(postgres: Server, database_name: str) -> AsyncIterator[Database]:
    """The same database as another process has it open."""
    opened = await open_database({**postgres.connect_arguments(), "database": database_name})
    yield opened
    await opened.close()


async def begun(stack: AsyncExitStack, here: Calls, body: str = "body") -> tuple[Held, str]:
    """A call that has ordered a batch, and is answered as long as the stack is there."""
    held = await stack.enter_async_context(here.holding(str(uuid4()), ROUTE, body))
    batch = str(uuid4())
    async with here.database.transaction() as c:
        await calls.note(c, held.call, batch)
    return held, batch


async def again(here: Calls, body: str = "body") -> str | None:
    """What the same call, sent again, takes up; its answer does not arrive."""
    async with here.holding(str(uuid4()), ROUTE, body) as held:
        return await here.take_up(held.call)


async def test_what_was_let_go_is_taken_up_oldest_first(database: Database) -> None:
    """Each once at a time, and by nobody but who asked, for the same thing."""
    here = Calls(database, "ann")
    async with AsyncExitStack() as stack:
        _, first = await begun(stack, here)
        _, second = await begun(stack, here)
    assert await again(here, "another body") is None
    assert await again(here.of("bob")) is None
    async with here.holding(str(uuid4()), ROUTE, "body") as one:
        assert await here.take_up(one.call) == first
        assert await again(here) == second
    assert await again(here) == first


async def test_what_somebody_waits_for_or_has_got_is_not_taken_up(
    database: Database, other: Database
) -> None:
    """In this process and from another one; after three seconds it is a call of its own."""
    here, there = Calls(database, "ann"), Calls(other, "ann")
    async with AsyncExitStack() as stack:
        held, _ = await begun(stack, here)
        assert await again(here) is None
        assert await again(there) is None
        held.arrived = True
    assert await again(here) is None
    assert await again(there) is None


async def test_what_a_process_held_that_has_ended_is_free(
    database: Database, postgres: Server, database_name: str
) -> None:
    """It has no session left; nobody has let anything go."""
    gone = await open_database({**postgres.connect_arguments(), "database": database_name})
    async with AsyncExitStack() as stack:
        _, batch = await begun(stack, Calls(gone, "ann"))
        await gone.close()
        assert await again(Calls(database, "ann")) == batch


async def test_what_is_old_is_ordered_anew_and_forgotten(database: Database) -> None:
    """Half an hour, and two; and what a user is erased with."""
    here = Calls(database, "ann")
    async with AsyncExitStack() as stack:
        _, old = await begun(stack, here)
        _, gone = await begun(stack, here, "erased")

    async def rows() -> set[str]:
        async with database.session() as c:
            return {str(row["batch_id"]) for row in await c.fetch("select batch_id from calls")}

    async with database.session() as c:
        await c.execute("update calls set created_at = created_at - interval '31 minutes'")
    assert await again(here) is None
    await prune(database, Retention())
    assert await rows() == {old, gone}
    await erasing.erase(database, gone)
    assert await rows() == {old}
    async with database.session() as c:
        await c.execute("update calls set created_at = created_at - interval '2 hours'")
    await prune(database, Retention())
    assert await rows() == set()


@pytest.mark.parametrize("arrived", [True, False])
async def test_an_end_that_cannot_be_noted_is_noted_when_the_database_is_back(
    database: Database, other: Database, postgres: Server, database_name: str, arrived: bool
) -> None:
    """An answer that went out meanwhile is given to nobody else, neither before that nor after; one
    that did not is there for whoever sends the call again, at whichever process."""
    here, there = Calls(database, "ann"), Calls(other, "ann")
    async with AsyncExitStack() as trouble, AsyncExitStack() as stack:
        held, batch = await begun(stack, here)
        held.arrived = arrived
        await trouble.enter_async_context(locked_out(postgres, database_name))
        with pytest.raises(DatabaseAway):
            await database.fetch("backends")
    given = None if arrived else batch
    assert await again(here) == given

    async def noted() -> bool:
        async with other.session() as c:
            row = await c.fetchrow("select holder, arrived_at from calls")
        return row["holder"] is None and (row["arrived_at"] is not None) == arrived

    async with asyncio.timeout(30):
        while not await noted():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    assert await again(there) == given
    await here.stop()


async def test_what_is_still_being_ordered_is_waited_for(database: Database) -> None:
    """Its client gave up before the order was through, and sends it again: one batch."""
    here = Calls(database, "ann")
    async with AsyncExitStack() as stack:
        held = await stack.enter_async_context(here.holding(str(uuid4()), ROUTE, "body"))
        coming = asyncio.create_task(again(here))
        await asyncio.sleep(0.5)
        batch = str(uuid4())
        async with database.transaction() as c:
            await calls.note(c, held.call, batch)
    assert await coming == batch
    assert await again(here, "another body") is None
