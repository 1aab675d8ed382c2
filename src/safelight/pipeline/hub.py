"""The hub: what is new is read once in a process, however many listen to it.

A feed reads the events of one batch, or those of all, and hands each to whoever listens, through a
queue that is bounded: a reader that is too slow is dropped, never waited for. A feed remembers what
it has handed out last, so that who comes a little late needs no query; who comes from further back
reads by itself until it meets the feed (`stream`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway, TooManyListeners
from safelight.core.records import Event
from safelight.core.rights import Rights
from safelight.core.states import DISPATCHED
from safelight.database.bell import Bell, Progress, set_within
from safelight.database.connection import Database
from safelight.database.events import Place, Placed
from safelight.database.stopping import stop
from safelight.pipeline.watching import Watching

log = structlog.get_logger()

ALL: Final = "*"  # the topic of all events
PAGE: Final = 500  # events
POLL_EVERY: Final = 1.0  # s; the bell only makes it faster
MOST_WAITING: Final = 1_000  # events that one listener has not taken yet
_REMEMBERED: Final = 500  # events
_PAUSE: Final = 0.02  # s between two looks: what happens within is read at once
_PATIENCE: Final = 10.0  # s without the database until those who listen are told


@dataclass(frozen=True, slots=True)
class Source:
    """Where the events of a topic come from."""

    topic: str  # a batch's id, or `ALL`
    read: Callable[[Place, int], Awaitable[list[Placed]]]  # behind a place, so many at most
    over: Callable[[Event], Awaitable[bool]]  # whether nothing follows the last one read


@dataclass(slots=True, eq=False)
class Listener:
    """One who listens, and what it has not taken yet."""

    after: Place  # it may have read further by itself than its feed
    rights: Rights
    waiting: deque[Placed] = field(default_factory=deque)
    live: dict[str, Progress] = field(default_factory=dict)  # image → its latest
    news: asyncio.Event = field(default_factory=asyncio.Event)
    gone: bool = False  # dropped, or the process stops: it is told nothing more
    trouble: DatabaseAway | None = None  # why the feed broke

    def hand(self, placed: Placed) -> None:
        """Queue an event, if it is new here and may be heard."""
        if placed.place > self.after and reached(placed, self.rights):
            self.waiting.append(placed)
            self.news.set()

    def let_go(self, trouble: DatabaseAway | None = None) -> None:
        """Nothing more is told; what waits is forgotten."""
        self.waiting.clear()
        self.live.clear()
        self.gone, self.trouble = True, trouble
        self.news.set()


def reached(placed: Placed, rights: Rights) -> bool:
    """Whether somebody with these rights may hear it."""
    return rights.everything or rights.reaches(placed.user, placed.character)


class Feed:
    """Reads one topic for all who listen to it."""

    def __init__(self, source: Source, bell: Bell, begin: Place, first: Iterable[Placed]) -> None:
        self.over = False  # nothing follows what was handed out
        self.listeners: set[Listener] = set()
        self._source = source
        self._bell = bell
        self._begin = begin
        self._last = deque(first)
        self._unsure: Event | None = None  # the last one read, if something may follow it
        self._news = asyncio.Event()

    @property
    def begin(self) -> Place:
        """Everything behind here is known, or was handed out."""
        return self._begin

    @property
    def place(self) -> Place:
        """Everything up to here was handed out."""
        return self._last[-1].place if self._last else self._begin

    def meets(self, place: Place) -> bool:
        """Whether who has heard everything up to there can go on with this feed."""
        return self._begin <= place

    def knows(self, place: Place) -> bool:
        """Whether it is remembered that one can go on from there."""
        return place == self._begin or any(placed.place == place for placed in self._last)

    def join(self, place: Place, rights: Rights) -> Listener:
        """Listen from there on; the feed must meet it."""
        listener = Listener(place, rights)
        for placed in self._last:
            listener.hand(placed)
        listener.live = {one.image: one for one in self._bell.progress_of(self._source.topic)}
        self.listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no more."""
        self.listeners.discard(listener)
        self._news.set()

    async def run(self) -> None:
        """As long as somebody listens. Raises `DatabaseAway`."""
        topic, bell = self._source.topic, self._bell
        with bell.waiting(topic, self._news) as news, bell.hearing(topic, self._heard):
            while self.listeners:
                news.clear()
                page = await self._look()
                for placed in page:
                    self._hand_out(placed)
                if len(page) == PAGE:
                    continue
                unsure, self._unsure = self._unsure, None
                if unsure and await self._source.over(unsure):
                    self._end()
                await asyncio.sleep(_PAUSE)
                await set_within(news, POLL_EVERY)

    async def _look(self) -> list[Placed]:
        clock = asyncio.get_running_loop().time
        began = clock()
        while True:
            try:
                return await self._source.read(self.place, PAGE)
            except DatabaseAway:
                if clock() - began > _PATIENCE:
                    raise
                await asyncio.sleep(POLL_EVERY)

    def _hand_out(self, placed: Placed) -> None:
        self.over, self._unsure = False, placed.event
        self._last.append(placed)
        if len(self._last) > _REMEMBERED:
            self._begin = self._last.popleft().place
        image = placed.event.image
        if image and self._source.topic != ALL and placed.event.type != f"image.{DISPATCHED}":
            self._bell.forget(image)
        for listener in tuple(self.listeners):
            listener.live.pop(image or "", None)
            if len(listener.waiting) >= MOST_WAITING:
                log.info("a slow listener is dropped", topic=self._source.topic)
                self.leave(listener)
                listener.let_go()
            else:
                listener.hand(placed)

    def _heard(self, progress: Progress) -> None:
        for listener in self.listeners:
            listener.live[progress.image] = progress
            listener.news.set()

    def let_go(self, trouble: DatabaseAway | None = None) -> None:
        """Nobody is told anything more."""
        for listener in self.listeners:
            listener.let_go(trouble)

    def _end(self) -> None:
        self.over = True
        for listener in self.listeners:
            listener.news.set()


class Hub:
    """One per process that answers requests; `seats` is how many may listen at a time."""

    def __init__(self, database: Database, bell: Bell, seats: int) -> None:
        self.database = database
        self.bell = bell
        self._seats = seats
        self._taken: set[Seat] = set()
        self._feeds: dict[str, Feed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching = Watching(database)
        self._stopped = False

    async def stop(self) -> None:
        """Let go of all who listen: they come back, to whoever is there then."""
        self._stopped = True
        for feed in self._feeds.values():
            feed.let_go()
        await stop(*self._tasks)
        await self._watching.stop()

    def seat(self) -> Seat:
        """A place for one more. Raises `TooManyListeners`."""
        self._check_open()
        if len(self._taken) >= self._seats:
            raise TooManyListeners(f"{self._seats} listen here already, which is the most")
        seat = Seat(self._taken)
        self._taken.add(seat)
        return seat

    def feed(self, topic: str) -> Feed | None:
        """The feed of a topic, while somebody listens to it."""
        return self._feeds.get(topic)

    def meets(self, topic: str, place: Place) -> bool:
        """Whether who has heard everything up to there can go on with a feed."""
        feed = self._feeds.get(topic)
        return feed is not None and feed.meets(place)

    @contextmanager
    def listening(
        self,
        source: Source,
        place: Place,
        rights: Rights,
        begin: Place,
        first: Sequence[Placed],
        *,
        previews: bool = False,
    ) -> Iterator[tuple[Feed, Listener]]:
        """Listen from a place on, with the feed there is, which must meet it, or with a new one,
        which begins with what was just read: the `first` events behind `begin`, up to the place.

        `previews`: of a batch they are made meanwhile.
        """
        self._check_open()
        feed = self._feeds.get(source.topic) or self._open(source, begin, first)
        listener = feed.join(place, rights)
        with self._watching.of(source.topic) if previews else nullcontext():
            try:
                yield feed, listener
            finally:
                feed.leave(listener)

    def _check_open(self) -> None:
        if self._stopped:
            raise TooManyListeners("this process stops")

    def _open(self, source: Source, begin: Place, first: Sequence[Placed]) -> Feed:
        feed = self._feeds[source.topic] = Feed(source, self.bell, begin, first)
        task = asyncio.create_task(self._run(source.topic, feed), name=f"feed {source.topic}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return feed

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()):
            log.error("a feed broke", feed=task.get_name(), exc_info=fault)

    async def _run(self, topic: str, feed: Feed) -> None:
        trouble: DatabaseAway | None = None
        try:
            await feed.run()
        except DatabaseAway as away:
            trouble = away
        finally:
            # Nothing is awaited between the feed's last look at who listens and this.
            del self._feeds[topic]
            feed.let_go(trouble)


class Seat:
    """One listener's place; given back once."""

    def __init__(self, taken: set[Seat]) -> None:
        self._taken = taken

    def give_back(self) -> None:
        """It is free for another one."""
        self._taken.discard(self)
