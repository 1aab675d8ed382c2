"""A feed: the events of one batch, or those of all, read once for all who listen to them.

Each is handed to whoever listens through a queue that is bounded: a reader that is too slow is
dropped, never waited for. A feed remembers what it has handed out last, so that who comes a little
late needs no query; who comes from further back reads by itself until it meets the feed (`stream`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway
from safelight.core.records import Event
from safelight.core.rights import Rights
from safelight.core.states import DISPATCHED
from safelight.database.bell import EVERY, Bell, set_within
from safelight.database.events import Place, Placed
from safelight.database.progress import Progress

log = structlog.get_logger()

ALL: Final = EVERY  # the topic of all events
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
    shown: Callable[[Progress], None] = lambda _: None  # somebody here has heard of this


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

    def hear(self, progress: Progress) -> bool:
        """Take the latest of an image, if it may be heard; whether it may."""
        if not reached(progress, self.rights):
            return False
        self.live[progress.image] = progress
        self.news.set()
        return True

    def let_go(self, trouble: DatabaseAway | None = None) -> None:
        """Nothing more is told; what waits is forgotten."""
        self.waiting.clear()
        self.live.clear()
        self.gone, self.trouble = True, trouble
        self.news.set()


def reached(told: Placed | Progress, rights: Rights) -> bool:
    """Whether somebody with these rights may hear it."""
    return rights.everything or rights.reaches(told.user, told.character)


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
        for progress in self._bell.progress_of(self._source.topic):
            self._tell(progress, listener)
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
        self._tell(progress, *self.listeners)

    def _tell(self, progress: Progress, *listeners: Listener) -> None:
        if sum(listener.hear(progress) for listener in listeners):
            self._source.shown(progress)

    def let_go(self, trouble: DatabaseAway | None = None) -> None:
        """Nobody is told anything more."""
        for listener in self.listeners:
            listener.let_go(trouble)

    def _end(self) -> None:
        self.over = True
        for listener in self.listeners:
            listener.news.set()
