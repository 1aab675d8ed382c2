"""What is new is read once and handed to all who listen, each from where it is, without gaps."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from safelight.core.errors import TooManyListeners
from safelight.core.records import Event
from safelight.core.rights import ANYBODY, Rights
from safelight.database import events, previews
from safelight.database.connection import Database
from safelight.database.events import Cursor
from safelight.gateway.listening import Listening
from safelight.pipeline import stream
from safelight.pipeline.awaiting import Ends
from safelight.pipeline.feed import ALL, MOST_WAITING, PAGE
from safelight.pipeline.hub import Hub
from safelight.pipeline.wishes import Wishes
from tests.pipeline.orders import Counter

TELL = """
with batch as (
    update batches set last_event = last_event + $2::int,
                       last_txid = greatest(last_txid, pg_current_xact_id())
    where id = $1 returning id, last_event, last_txid
)
insert into events (batch_id, number, txid, type, data)
select id, n, last_txid, $3, '{}'
from batch, generate_series(last_event - $2::int + 1, last_event) n order by n
"""


@dataclass
class Scene:
    """A hub, and batches whose events are written by hand."""

    database: Database
    counter: Counter = field(init=False)
    hub: Hub = field(init=False)

    def __post_init__(self) -> None:
        self.counter = Counter(self.database)
        self.hub = Hub(self.database, self.counter.bell, 1000)

    async def batch(self, user: str = "ann") -> str:
        return (await self.counter.accept(user=user, quantity=1)).id

    async def tell(self, batch: str, many: int = 1, type: str = "image.dispatched") -> None:
        """Further events of a batch, in one transaction."""
        async with self.database.session() as c:
            await c.execute(TELL, batch, many, type)
        self.counter.bell.ring(batch)

    async def hear(self, batch: str, after: int, into: list[int] | None = None) -> list[int]:
        """The numbers of a batch's events until its stream ends."""
        heard = [] if into is None else into
        async for told in stream.of_batch(self.hub, batch, after):
            if told is not None and hasattr(told, "number"):
                heard.append(told.number)
        return heard

    async def hear_all(self, rights: Rights, into: list[tuple[str, int]]) -> None:
        """Batch and number of everything that is told, from the beginning."""
        start = await events.newest(self.database)
        async for one in stream.of_all(self.hub, start.at((0, 0)), rights):
            if isinstance(one, tuple) and isinstance(one[1], Event):
                into.append((one[1].batch, one[1].number))


@pytest.fixture
async def scene(database: Database) -> AsyncIterator[Scene]:
    scene = Scene(database)
    yield scene
    await scene.hub.stop()


async def settled(condition: Callable[[], object], seconds: float = 30) -> None:
    """Until a condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_everybody_hears_everything_behind_where_they_begin(scene: Scene) -> None:
    """Forty who come while a batch goes on, each from another place, one of them from before what
    anybody remembers: each hears what is behind its place, in order, each event once."""
    draw = random.Random(11)
    batch = await scene.batch()
    await scene.tell(batch, PAGE + 200)
    last = 1 + PAGE + 200
    listeners = [(0, asyncio.create_task(scene.hear(batch, 0)))]
    for _ in range(40):
        after = draw.choice([0, last, draw.randint(0, last), draw.randint(last - 5, last)])
        listeners.append((after, asyncio.create_task(scene.hear(batch, after))))
        many = draw.randint(1, 7)
        await scene.tell(batch, many)
        last += many
        await asyncio.sleep(draw.choice([0, 0.01, 0.03]))
    await scene.tell(batch, 1, "batch.completed")
    async with asyncio.timeout(30):
        for after, task in listeners:
            assert await task == list(range(after + 1, last + 2)), after
    await settled(lambda: scene.hub.feed(batch) is None)


async def test_who_is_too_slow_is_dropped_and_misses_nothing(scene: Scene) -> None:
    """More happens than a listener that reads nothing may leave waiting: its stream ends, nobody
    else notices, and when it comes back it hears what it has not taken."""
    batch = await scene.batch()
    quick, slow = list[int](), list[int]()
    woken = asyncio.Event()

    async def hear_slowly() -> None:
        async for told in stream.of_batch(scene.hub, batch, 0):
            if told is not None and hasattr(told, "number"):
                slow.append(told.number)
                if len(slow) == 2:
                    await woken.wait()

    quickly = asyncio.create_task(scene.hear(batch, 0, quick))
    slowly = asyncio.create_task(hear_slowly())
    await settled(lambda: quick and slow)
    await scene.tell(batch)
    await settled(lambda: len(quick) == len(slow) == 2)
    last = 2
    while last <= MOST_WAITING + PAGE:
        await scene.tell(batch, 100)
        last += 100
        await settled(lambda: len(quick) == last)  # noqa: B023 - it is called at once
    woken.set()
    await slowly
    assert slow == [1, 2]
    await scene.tell(batch, 1, "batch.completed")
    assert slow + await scene.hear(batch, 2) == list(range(1, last + 2))
    await quickly
    assert quick == list(range(1, last + 2))


async def test_one_reader_serves_all_and_each_hears_its_own(scene: Scene) -> None:
    """Three listen to all events, from the beginning: an administrator, ann's key, and one that
    reaches nobody. Each hears what it may, all by one reader, which passes what they may not."""
    batches = {user: await scene.batch(user) for user in ("ann", "ben")}
    rights = [ANYBODY, Rights("k", users=frozenset({"ann"})), Rights("n", users=frozenset())]
    heard: list[list[tuple[str, int]]] = [[], [], []]
    listening = [
        asyncio.create_task(scene.hear_all(one, into))
        for one, into in zip(rights, heard, strict=True)
    ]
    for many in (PAGE, 3, 1):
        for user in ("ann", "ben"):
            await scene.tell(batches[user], many)
    last = 1 + PAGE + 3 + 1
    await settled(lambda: len(heard[0]) == 2 * last and len(heard[1]) == last)
    assert heard[1] == [(batches["ann"], number) for number in range(1, last + 1)]
    assert [one for one in heard[0] if one[0] == batches["ann"]] == heard[1]
    assert heard[2] == []
    await settled(lambda: (feed := scene.hub.feed(ALL)) and len(feed.listeners) == 3)
    assert heard[2] == []
    await scene.hub.stop()
    await asyncio.gather(*listening)


async def test_who_comes_back_while_nothing_happens_joins_the_others(scene: Scene) -> None:
    """One listens from now on, another goes on behind the newest event; nothing lies between the
    two places, and nothing happens: both are served by one reader, and hear what comes next."""
    batch = await scene.batch()
    async with asyncio.timeout(30):
        while not (found := await events.of_all(scene.database, (0, 0), PAGE)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    [newest] = found
    now = await events.newest(scene.database)
    assert newest.place < now.place
    heard: list[list[int]] = [[], []]

    async def hear(after: Cursor | None, into: list[int]) -> None:
        async for one in stream.of_all(scene.hub, after):
            if isinstance(one, tuple) and isinstance(one[1], Event):
                into.append(one[1].number)

    async def listened(many: int) -> None:
        await settled(lambda: (feed := scene.hub.feed(ALL)) and len(feed.listeners) == many)

    first = asyncio.create_task(hear(None, heard[0]))
    await listened(1)
    second = asyncio.create_task(hear(now.at(newest.place), heard[1]))
    await listened(2)
    await scene.tell(batch, 2)
    await settled(lambda: heard == [[2, 3], [2, 3]])
    await scene.hub.stop()
    await asyncio.gather(first, second)


async def test_a_place_ahead_of_everything_is_none(scene: Scene) -> None:
    """Nobody was ever given it. Whoever makes it up is told so and hears what comes from now on;
    the reader that serves all does not begin there."""
    batch = await scene.batch()
    now = await events.newest(scene.database)
    told = stream.of_all(scene.hub, now.at((2**63 - 1, 1)), Rights("k", users=frozenset({"ann"})))
    first = await anext(told)
    assert isinstance(first, tuple)
    assert first[1] == stream.Reset(events.RESTORED, None)
    hearing = asyncio.ensure_future(anext(told))
    await settled(lambda: scene.hub.feed(ALL))
    heard: list[tuple[str, int]] = []
    others = asyncio.create_task(scene.hear_all(ANYBODY, heard))
    await scene.tell(batch)
    heard_first = await hearing
    assert isinstance(heard_first, tuple)
    assert isinstance(heard_first[1], Event)
    assert heard_first[1].number == 2
    await settled(lambda: heard == [(batch, 1), (batch, 2)])
    await settled(lambda: (feed := scene.hub.feed(ALL)) and len(feed.listeners) == 2)
    await told.aclose()
    await scene.hub.stop()
    await others


async def test_a_session_that_is_cut_is_no_end(scene: Scene) -> None:
    """The server ends every session of the process while somebody listens: nothing is missed."""
    batch = await scene.batch()
    heard: list[int] = []
    listening = asyncio.create_task(scene.hear(batch, 0, heard))
    await scene.tell(batch)
    await settled(lambda: len(heard) == 2)
    other = await scene.database.connect("test")
    await other.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1",
        scene.database.name,
    )
    await other.execute(TELL, batch, 1, "batch.completed")
    await other.close()
    async with asyncio.timeout(30):
        assert await listening == [1, 2, 3]


async def test_a_batch_that_is_tried_again_ends_again(scene: Scene) -> None:
    """Who listens at the first end is let go; who comes after it hears both ends, or the second."""
    batch = await scene.batch()
    await scene.tell(batch, 1, "batch.failed")
    assert await scene.hear(batch, 0) == [1, 2]
    await scene.tell(batch, 1, "image.queued")
    listening = [asyncio.create_task(scene.hear(batch, after)) for after in (0, 2, 3)]
    await settled(lambda: (feed := scene.hub.feed(batch)) and len(feed.listeners) == 3)
    await scene.tell(batch, 1, "batch.completed")
    assert [await task for task in listening] == [[1, 2, 3, 4], [3, 4], [4]]


async def test_a_page_that_is_full_to_the_end_ends(scene: Scene) -> None:
    """The last event is the last of a whole page, read alone or by a feed."""
    batch = await scene.batch()
    listening = asyncio.create_task(scene.hear(batch, 1))
    await settled(lambda: scene.hub.feed(batch))
    async with scene.database.transaction() as c:
        await c.execute(TELL, batch, PAGE - 1, "image.dispatched")
        await c.execute(TELL, batch, 1, "batch.completed")
    scene.counter.bell.ring(batch)
    async with asyncio.timeout(30):
        assert await listening == await scene.hear(batch, 1) == list(range(2, PAGE + 2))


async def test_seats_are_counted_and_given_back(scene: Scene) -> None:
    """One more than there are seats is refused. A stream that is closed gives its seat back, and so
    does one that was never read and is forgotten."""
    hub = Hub(scene.database, scene.counter.bell, 2)
    batch = await scene.batch()
    first = Listening(hub.seat(), stream.of_batch(hub, batch, 0))
    second: object = Listening(hub.seat(), stream.of_batch(hub, batch, 0))
    assert await anext(first) is not None
    with pytest.raises(TooManyListeners):
        hub.seat()
    await first.aclose()
    hub.seat()
    with pytest.raises(TooManyListeners):
        hub.seat()
    del second
    hub.seat()
    await hub.stop()
    with pytest.raises(TooManyListeners):
        hub.seat()


async def test_many_wait_for_one_end(scene: Scene) -> None:
    """A hundred wait for a batch, one only for a moment: that one is answered first, the others
    when it is canceled."""
    counter = scene.counter
    ends = Ends(scene.database, counter.bell)
    batch = await scene.batch()
    other = await scene.batch()
    async with asyncio.timeout(30):
        waiting = [asyncio.create_task(ends.wait(batch, 60)) for _ in range(100)]
        elsewhere = asyncio.create_task(ends.wait(other, 60))
        await ends.wait(batch, 0.05)
        assert not any(task.done() for task in waiting)
        await Wishes(scene.database, counter.bell, 60).cancel_batch(batch)
        await asyncio.gather(*waiting)
        assert not elsewhere.done()
        elsewhere.cancel()
        await asyncio.gather(elsewhere, return_exceptions=True)
    await ends.stop()


async def test_previews_are_made_for_those_who_want_them(scene: Scene) -> None:
    """Who listens without showing any is no reason to make them; one who shows them is."""
    batch = await scene.batch()
    heard = [0, 0]

    async def listen(which: int, *, wants: bool) -> None:
        async for _ in stream.of_batch(scene.hub, batch, 0, previews=wants):
            heard[which] += 1

    async def watched() -> bool:
        return bool(await previews.watched(scene.database, [batch]))

    without = asyncio.create_task(listen(0, wants=False))
    await settled(lambda: heard[0])
    await asyncio.sleep(0.5)  # a wish is written at once
    assert not await watched()
    with_them = asyncio.create_task(listen(1, wants=True))
    await settled(lambda: heard[1])
    assert scene.hub.feed(batch) is not None
    async with asyncio.timeout(30):
        while not await watched():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    for listening in (without, with_them):
        listening.cancel()
    await asyncio.wait([without, with_them])
