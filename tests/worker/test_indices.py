"""index.txt beside the originals, and at publishers that want it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from safelight.core.naming import index_text
from safelight.database import indices
from safelight.database.connection import Database
from safelight.database.stopping import stop
from safelight.publishers.base import (
    Copy,
    Item,
    Look,
    Missing,
    NotNow,
    Outcome,
    Refused,
    Removal,
    Removed,
    Uploaded,
)
from safelight.store import Store, open_store
from safelight.worker.indices import Indices
from tests.pipeline.orders import Counter

KEY = "ann/mira/index.txt"


@dataclass
class Shelf:
    """A publisher that keeps nothing but index files, in memory, after some trouble."""

    name: str = "shelf"
    trouble: list[Outcome] = field(default_factory=list)
    files: dict[tuple[str, str], int] = field(default_factory=dict)
    asked: int = 0

    def place(self, item: Item) -> str:
        return item.name

    async def publish(self, place: str, item: Item, copy: Copy) -> Outcome:
        return Refused("it keeps no pictures")

    async def look(self, place: str) -> Look:
        return Missing()

    async def remove(self, place: str, md5: str) -> Removal:
        return Removed()

    async def write_index(self, user: str, character: str, highest: int) -> Outcome:
        self.asked += 1
        if self.trouble:
            return self.trouble.pop(0)
        self.files[user, character] = highest
        return Uploaded(f"shelf:{user}/{character}")

    async def close(self) -> None:
        return


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(None, tmp_path / "originals")


@asynccontextmanager
async def running(database: Database, store: Store, *shelves: Shelf) -> AsyncIterator[None]:
    """The loop of a worker, until the end of the block."""
    keeper = Indices(database, store, {shelf.name: shelf for shelf in shelves})
    task = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        await stop(task)


async def until_says(store: Store, key: str, number: int) -> None:
    """Until the file says so."""

    async def says() -> bool:
        return await store.size(key) is not None and await store.get(key) == b"%d\n" % number

    await _until(says)


async def test_the_file_follows_every_series_and_says_what_was_reserved(
    database: Database, store: Store
) -> None:
    """Also one that was behind when the worker began, and failed images count as reserved."""
    counter = Counter(database)
    await counter.accept()
    async with running(database, store):
        await until_says(store, KEY, 4)
        await counter.accept(quantity=2)
        await counter.accept(user="bob", character="opal-fever", quantity=1)
        await until_says(store, KEY, 6)
        await until_says(store, "bob/opal-fever/index.txt", 1)
    assert await indices.claim(database, uuid4(), 10) == []
    assert sorted([key async for key, _ in store.list()]) == [KEY, "bob/opal-fever/index.txt"]


async def test_two_workers_and_many_orders_leave_the_highest_number(
    database: Database, store: Store
) -> None:
    counter = Counter(database)
    async with running(database, store), running(database, store):
        for _ in range(20):
            await counter.accept(quantity=1)
            await asyncio.sleep(0.02)
        await until_says(store, KEY, 20)


async def test_a_worker_that_slept_with_an_old_number_has_it_written_again(
    database: Database, store: Store
) -> None:
    """It claimed 4 and was frozen; another worker has written 8; then it writes its 4 and learns
    that its claim is gone. Whoever was writing at that moment is not believed either."""
    counter = Counter(database)
    await counter.accept()
    frozen, other = uuid4(), uuid4()
    [old] = await indices.claim(database, frozen, 10)
    assert await indices.claim(database, other, 10) == []
    async with database.session() as c:
        await c.execute("update series set index_claimed_until = now() - interval '1 second'")
    await counter.accept()
    [new] = await indices.claim(database, other, 10)
    assert (old.highest, new.highest) == (4, 8)
    await store.replace(KEY, index_text(8).encode())
    await store.replace(KEY, index_text(4).encode())
    await indices.note(database, old, frozen, [])
    await indices.note(database, new, other, [])
    async with running(database, store):
        await until_says(store, KEY, 8)


async def test_a_store_that_is_away_is_written_to_when_it_is_back(
    database: Database, store: Store, tmp_path: Path
) -> None:
    await Counter(database).accept()
    (tmp_path / "originals").rename(tmp_path / "unmounted")
    async with running(database, store):
        await _until(lambda: _claimed(database))
        (tmp_path / "unmounted").rename(tmp_path / "originals")
        async with database.session() as c:
            await c.execute("update series set index_claimed_until = now() - interval '1 second'")
        await until_says(store, KEY, 4)


async def _claimed(database: Database) -> bool:
    async with database.session() as c:
        return bool(await c.fetchval("select index_claim is not null from series"))


async def test_publishers_that_want_it_get_it_also_for_series_from_before(
    database: Database, store: Store
) -> None:
    counter = Counter(database)
    await counter.accept()
    async with running(database, store):
        await until_says(store, KEY, 4)
    shelf = Shelf()
    async with running(database, store, shelf):
        await _until(lambda: shelf.files == {("ann", "mira"): 4})
        await counter.accept(quantity=3)
        await counter.accept(user="bob", quantity=1)
        await _until(lambda: shelf.files == {("ann", "mira"): 7, ("bob", "mira"): 1})
    asked = shelf.asked
    async with running(database, store, shelf):
        await asyncio.sleep(1.2)
    assert shelf.asked == asked


async def test_a_publisher_in_trouble_is_tried_again_and_holds_up_nobody(
    database: Database, store: Store
) -> None:
    down = Shelf("down", [NotNow("it sleeps", 0.2), NotNow("it sleeps"), Refused("not you")])
    well = Shelf("well")
    await Counter(database).accept()
    async with running(database, store, down, well):
        await until_says(store, KEY, 4)
        await _until(lambda: well.files == {("ann", "mira"): 4})
        await _until(lambda: down.asked >= 1)
        async with database.session() as c:
            said = await c.fetchrow("select * from index_copies where publisher = 'down'")
            assert (said["written"], said["wanted"]) == (0, 4)
            await c.execute("update index_copies set due_at = now()")
        await _until(lambda: down.files == {("ann", "mira"): 4})
    async with database.session() as c:
        said = await c.fetchrow("select * from index_copies where publisher = 'down'")
    assert (said["written"], said["tries"], said["reason"]) == (4, 0, None)


async def test_a_copy_whose_claim_was_lost_is_written_again(
    database: Database, store: Store
) -> None:
    await Counter(database).accept()
    async with running(database, store):
        await until_says(store, KEY, 4)
    await indices.want(database, ["shelf"])
    [old] = await indices.claim_copies(database, "shelf", frozen := uuid4(), 10)
    async with database.session() as c:
        await c.execute("update index_copies set due_at = now() - interval '1 second'")
    other = uuid4()
    [new] = await indices.claim_copies(database, "shelf", other, 10)
    await indices.note_copy(database, "shelf", new, other)
    await indices.note_copy(database, "shelf", old, frozen)
    shelf = Shelf()
    async with running(database, store, shelf):
        await _until(lambda: shelf.files == {("ann", "mira"): 4})


async def _until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(25):
        while True:
            told = condition()
            if told if isinstance(told, bool) else await told:
                return
            await asyncio.sleep(0.05)
