"""The hub: what is new is read once in a process, however many listen to it.

There is a feed for each topic that somebody listens to (`feed`), and a seat for each who listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import structlog

from safelight.core.errors import DatabaseAway, TooManyListeners
from safelight.core.rights import Rights
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.events import Place, Placed
from safelight.database.stopping import stop
from safelight.pipeline.audience import Audience
from safelight.pipeline.feed import Feed, Listener, Source
from safelight.pipeline.watching import Watching

log = structlog.get_logger()


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
        self.audience = Audience(database, bell, self._watching)
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
