"""Who listens to all events hears how images they reach are drawn, and sees previews of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from safelight.core.records import Event
from safelight.core.rights import ANYBODY, Rights
from safelight.database import previews
from safelight.database.connection import Database
from safelight.database.progress import Progress, rings
from safelight.pipeline import stream
from safelight.pipeline.feed import ALL
from safelight.pipeline.hub import Hub
from tests.pipeline.orders import Counter
from tests.pipeline.test_fairness import draw, lease
from tests.pipeline.test_hub import settled

ANNS = Rights("a", users=frozenset({"ann"}))
NOBODYS = Rights("n", users=frozenset())
MIRAS = Rights("m", characters=frozenset({"mira"}))


@dataclass
class Hearing:
    """One who listens to all events."""

    rights: Rights
    progress: list[Progress] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    def steps(self, image: str) -> list[int]:
        return [one.step for one in self.progress if one.image == image]


@dataclass
class Scene:
    """A hub, and a worker's bell in the same process."""

    database: Database
    counter: Counter
    hub: Hub
    hearing: list[Hearing] = field(default_factory=list)

    async def listen(self, rights: Rights) -> Hearing:
        """From now on; it is among those who listen when this returns."""
        one = Hearing(rights)
        feed = self.hub.feed(ALL)
        before = len(feed.listeners) if feed else 0
        one.task = asyncio.create_task(self._listen(one))
        self.hearing.append(one)
        await settled(lambda: (f := self.hub.feed(ALL)) and len(f.listeners) == before + 1)
        return one

    async def _listen(self, one: Hearing) -> None:
        async for told in stream.of_all(self.hub, None, one.rights):
            if isinstance(told, Progress):
                one.progress.append(told)
            elif isinstance(told[1], Event):
                one.events.append(told[1].type)

    async def drawn(self, user: str, character: str = "mira", slot: int = 0) -> Progress:
        """An image that a backend has; how far it is."""
        batch = await self.counter.accept(user=user, character=character, quantity=1)
        assert (await draw(self.database, slot)).work
        return Progress(batch.id, batch.images[0].id, 1, 9, 0, user, character)

    async def watched(self, one: Progress) -> bool:
        return bool(await previews.watched(self.database, [one.batch]))


@pytest.fixture
async def scene(database: Database) -> AsyncIterator[Scene]:
    counter = Counter(database)
    await lease(database)
    scene = Scene(database, counter, Hub(database, counter.bell, 1000))
    yield scene
    await scene.hub.stop()
    async with asyncio.timeout(30):
        await asyncio.gather(*(one.task for one in scene.hearing if one.task))


async def test_each_hears_of_what_it_reaches_and_of_nothing_else(scene: Scene) -> None:
    """Four listen: an administrator, ann's key, mira's, and one that reaches nobody. Two images are
    drawn; progress that does not say whose it is, is heard by who may hear everything."""
    everybody, ann, mira, nobody = [
        await scene.listen(rights) for rights in (ANYBODY, ANNS, MIRAS, NOBODYS)
    ]
    anns = await scene.drawn("ann")
    bens = await scene.drawn("ben", "opal-fever", 1)
    nameless = Progress(anns.batch, "from an older process", 1, 9)
    for one in (bens, nameless, anns):
        scene.counter.bell.tell(one)
    await settled(lambda: all(anns in one.progress for one in (everybody, ann, mira)))
    assert set(everybody.progress) == {anns, bens, nameless}
    assert ann.progress == mira.progress == [anns]
    assert nobody.progress == []
    await settled(lambda: "image.dispatched" in ann.events)


async def test_who_comes_late_gets_the_latest_of_what_is_still_drawn(scene: Scene) -> None:
    """Of an image whose end this process has not heard of, nothing is told any more."""
    drawn, ended = await scene.drawn("ann"), await scene.drawn("ann", slot=1)
    bens = await scene.drawn("ben", slot=2)
    for one in (drawn, ended, bens):
        scene.counter.bell.tell(one)
    async with scene.database.session() as c:
        await c.execute("update images set status = 'failed' where id = $1", ended.image)
    ann = await scene.listen(ANNS)
    await settled(lambda: ann.progress)
    assert ann.progress == [drawn]
    assert scene.counter.bell.latest(ended.image) is None
    assert scene.counter.bell.latest(bens.image) == bens


async def test_previews_are_made_of_what_somebody_hears_of(scene: Scene) -> None:
    """Of the batch that ann's key reaches, and of no other; when she has gone the wish runs out."""
    anns, bens = await scene.drawn("ann"), await scene.drawn("ben", slot=1)
    ann = await scene.listen(ANNS)
    for one in (bens, anns):
        scene.counter.bell.tell(one)
    async with asyncio.timeout(30):
        while not await scene.watched(anns):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    assert ann.progress == [anns]
    assert not await scene.watched(bens)
    await scene.hub.stop()
    async with scene.database.session() as c:
        assert await c.fetchval("select count(*) from watches") == 1


async def test_the_end_of_an_image_is_the_end_of_its_progress(scene: Scene) -> None:
    """What a slow listener has not taken of it is not told behind the end."""
    drawn = await scene.drawn("ann")
    scene.counter.bell.tell(drawn)
    told = stream.of_all(scene.hub, None, ANNS)
    assert await anext(told) == drawn
    feed = scene.hub.feed(ALL)
    assert feed
    (listener,) = feed.listeners
    scene.counter.bell.tell(drawn)
    await settled(lambda: listener.live)
    async with scene.database.session() as c:
        await c.execute(
            "insert into events (batch_id, number, txid, type, image_id, data)"
            " values ($1, 9, pg_current_xact_id(), 'image.stored', $2, '{}')",
            drawn.batch,
            drawn.image,
        )
    scene.counter.bell.ring(drawn.batch)
    await settled(lambda: not listener.live)
    heard: list[str] = []
    while heard[-1:] != ["image.stored"]:
        one = await anext(told)
        assert isinstance(one, tuple)
        if isinstance(one[1], Event):
            heard.append(one[1].type)
    await told.aclose()


def test_what_travels_between_processes_fits_whoever_it_is_of() -> None:
    """The longest names there can be; PostgreSQL takes no payload of 8,000 bytes."""
    id, name = "6f0c2a4e-2f43-4b61-9b0e-0d2c5a1f7e10", "x" * 64
    moved = [Progress(id, id, 10_000, 10_000, 2**53, name, name) for _ in range(100)]
    sent = list(rings(id, False, [], moved, False, False))
    assert max(len(one) for one in sent) < 7_900
    assert sum(one.count(name) for one in sent) == 200
