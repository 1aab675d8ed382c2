"""The stream of all events gives those of a batch in their order, whoever began first."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

import pytest

from safelight.database import arrows, events, images
from safelight.database.arrows import Driver
from safelight.database.connection import Connection, Database, sql
from safelight.database.events import Place
from safelight.database.migrations import migrations
from safelight.pipeline.wishes import Wishes
from tests.pipeline.orders import Counter
from tests.pipeline.test_arrows import Scene, scene_in

WAITS = "select count(*) from pg_locks where pid = $1 and not granted"


@dataclass
class Reader:
    """Reads on from where it is; knows the numbers it was told of each batch."""

    database: Database
    page: int = 500
    place: Place = (0, 0)
    told: dict[str, list[int]] = field(default_factory=dict)

    async def read(self) -> None:
        """All there is; of each batch it must be the beginning, in order, each event once."""
        found = None
        while found is None or len(found) == self.page:
            found = await events.of_all(self.database, self.place, self.page)
            for placed in found:
                self.place = placed.place
                self.told.setdefault(placed.event.batch, []).append(placed.event.number)
        for batch, numbers in self.told.items():
            assert numbers == list(range(1, len(numbers) + 1)), batch

    async def read_all(self, batches: list[str]) -> None:
        """Until everything that was committed is told: the server's own work may hold it back."""
        async with self.database.session() as c:
            rows = await c.fetch("select id, last_event from batches where id = any($1)", batches)
        last = {str(row["id"]): row["last_event"] for row in rows}
        async with asyncio.timeout(30):
            while any(len(self.told.get(id, ())) < last[id] for id in batches):
                await self.read()
        assert {id: len(self.told[id]) for id in batches} == last


@dataclass
class Writer:
    """One transaction after another, each telling what it likes of the batches it likes."""

    c: Connection
    open: bool = False
    holds: set[str] = field(default_factory=set)  # batches whose rows it has locked
    withdrawn: list[tuple[str, str]] = field(default_factory=list)  # batch, image

    async def begin(self) -> None:
        await self.c.execute("begin")
        await self.c.execute("select pg_current_xact_id()")  # as any first write would
        self.open = True

    async def tell(self, batch: str, image: str) -> None:
        await images.lock(self.c, image)
        assert await arrows.withdraw(self.c, image)
        self.holds.add(batch)
        self.withdrawn.append((batch, image))

    async def end(self, how: str = "commit") -> list[tuple[str, str]]:
        """What was told in vain."""
        await self.c.execute(how)
        vain = self.withdrawn if how == "rollback" else []
        self.open, self.holds, self.withdrawn = False, set(), []
        return vain


async def writers_of(database: Database, stack: AsyncExitStack, count: int) -> list[Writer]:
    return [Writer(await stack.enter_async_context(database.session())) for _ in range(count)]


def interleavings() -> Iterator[tuple[int, ...]]:
    """Every order of the steps of two that write (begin, tell, end) and one that only begins and
    ends, in which neither writer has to wait for the other."""
    for order in sorted(set(itertools.permutations((0, 0, 0, 1, 1, 1, 2, 2)))):
        steps = list(order)
        places = {who: [at for at, each in enumerate(steps) if each == who] for who in (0, 1)}
        (_, told, ended), (_, other_told, other_ended) = places[0], places[1]
        if ended < other_told or other_ended < told:
            yield order


async def test_every_interleaving_of_two_writers_is_told_in_order(database: Database) -> None:
    """Two transactions tell of one batch while a third is open; a reader reads after every step
    from where it is, another one only at the end."""
    always, late = Reader(database, page=2), Reader(database)
    made = []
    async with AsyncExitStack() as stack:
        writers = await writers_of(database, stack, 3)
        for order in interleavings():
            batch = await Counter(database).accept(quantity=2)
            made.append(batch.id)
            for who in order:
                writer = writers[who]
                if not writer.open:
                    await writer.begin()
                elif writer.withdrawn or who == 2:
                    await writer.end()
                else:
                    await writer.tell(batch.id, batch.images[who].id)
                await always.read()
        await always.read_all(made)
        await late.read_all(made)
    assert len(made) > 100


@pytest.mark.parametrize("seed", range(6))
async def test_any_number_of_writers_and_batches_is_told_in_order(
    database: Database, seed: int
) -> None:
    """Four writers begin, tell of three batches, commit and roll back at random; readers read
    pages of different lengths, and each hears everything once."""
    random = Random(seed)
    ordered = [await Counter(database).accept(quantity=40) for _ in range(3)]
    ids = [batch.id for batch in ordered]
    waiting = {batch.id: [image.id for image in batch.images] for batch in ordered}
    readers = [Reader(database, page) for page in (1, 3, 500)]
    async with AsyncExitStack() as stack:
        writers = await writers_of(database, stack, 4)
        for _ in range(250):
            writer = random.choice(writers)
            if not writer.open:
                await writer.begin()
            elif random.random() < 0.4:
                for batch, image in await writer.end(random.choice(["commit"] * 4 + ["rollback"])):
                    waiting[batch].append(image)
            else:
                # A batch that another one holds would have to be waited for.
                held = {id for other in writers if other is not writer for id in other.holds}
                if free := [id for id in ids if id not in held and waiting[id]]:
                    batch = random.choice(free)
                    await writer.tell(batch, waiting[batch].pop())
            await random.choice(readers).read()
        for writer in writers:
            if writer.open:
                await writer.end()
        for reader in readers:
            await reader.read_all(ids)


@pytest.mark.parametrize(
    ("ways", "name"),
    [
        ([], "dispatch"),
        (["dispatch"], "keep"),
        (["dispatch"], "requeue"),
        (["dispatch"], "fail"),
        (["dispatch"], "cancel"),
        (["dispatch", "requeue"], "take back"),
        ([], "withdraw"),
        (["withdraw other", "expire"], "retry"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_who_began_first_and_waited_is_told_later(
    database: Database, ways: list[str], name: str
) -> None:
    """A transaction begins, waits for the row of its batch, and tells after one that began later:
    whatever it tells keeps its place, also the end of the batch."""
    scene = await scene_in(database, "queued", quantity=3)
    found = await scene.now()
    other = Scene(database, scene.batch, found.images[1].id)
    for way in ways:
        await (other.take("withdraw") if way == "withdraw other" else scene.take(way))
    if name == "take back":
        async with database.session() as c:
            await c.execute("update images set seed = attempts.seed from attempts")
    last = Scene(database, scene.batch, found.images[2].id)
    reader = Reader(database)
    async with AsyncExitStack() as stack:
        early, late, watch = await writers_of(database, stack, 3)
        await early.begin()
        pid = await early.c.fetchval("select pg_backend_pid()")
        await late.begin()
        assert await last.take_in(late.c, "withdraw")
        taking = asyncio.create_task(scene.take_in(early.c, name))
        async with asyncio.timeout(20):
            while not await watch.c.fetchval(WAITS, pid):  # noqa: ASYNC110 - locks have no event
                await asyncio.sleep(0.01)
        await late.end()
        await reader.read()
        assert await taking is not None
        await early.end()
        await reader.read_all([scene.batch])


async def test_a_batch_from_before_goes_on_behind_what_it_has_told(database: Database) -> None:
    """Its events have places that were given when nobody kept the highest."""
    counter = Counter(database)
    batch = await counter.accept(quantity=2)
    migration = next(one.text for one in migrations() if one.number == 12)
    async with database.session() as c:
        await c.execute("alter table batches drop column last_txid")
        later = int(await c.fetchval("select pg_current_xact_id()::text")) + 3
        await c.execute("update events set txid = $1::text::xid8", str(later))
        await c.execute(migration)
    await Wishes(database, counter.bell, 60).cancel_batch(batch.id)
    reader = Reader(database)
    async with asyncio.timeout(30):
        while len(reader.told.get(batch.id, ())) < 4:
            async with database.session() as c:
                await c.execute("select pg_current_xact_id()")
            await reader.read()


async def test_what_a_restore_tells_comes_in_order_too(database: Database) -> None:
    """Open attempts are void after a restore, and each of their images is told to wait again."""
    counter = Counter(database)
    ordered = [await counter.accept(quantity=6) for _ in range(2)]
    scene = Scene(database, "", "")
    await scene.lease()
    async with database.session() as c:
        for slot, image in enumerate(image for batch in ordered for image in batch.images):
            driver = Driver("b1", 1, slot)
            assert await arrows.dispatch(c, image.id, str(uuid4()), driver)
        async with c.transaction():
            for name in ("restore_events", "restore_batches", "restore_attempts"):
                await c.fetch(sql(name))
    for batch in ordered:
        await Wishes(database, counter.bell, 60).cancel_batch(batch.id)
    told: dict[str, list[int]] = {batch.id: [] for batch in ordered}
    async with asyncio.timeout(30):
        while sum(map(len, told.values())) < 2 * (1 + 6 + 6 + 6 + 1):
            told = {batch.id: [] for batch in ordered}
            for placed in await events.of_all(database, (0, 0), 500):
                told[placed.event.batch].append(placed.event.number)
    assert all(numbers == sorted(set(numbers)) for numbers in told.values())
