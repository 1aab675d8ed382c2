"""stream: event rows → whoever listens, from any point, without gaps.

Who comes from further back than the hub remembers reads alone until they meet; from then on what is
new is read once for all (`hub`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from safelight.core.records import Batch, Event
from safelight.core.rights import ANYBODY, Rights
from safelight.core.states import ENDED
from safelight.database import batches, events
from safelight.database.bell import set_within
from safelight.database.connection import Database
from safelight.database.events import Cursor, Place, Placed
from safelight.database.progress import Progress
from safelight.pipeline.feed import ALL, PAGE, Feed, Listener, Source, reached
from safelight.pipeline.hub import Hub

KEEP_ALIVE: Final = 15.0  # s of silence
_CLOSE: Final = 0.05  # s until who reads alone looks whether it has met the others
_ENDINGS: Final = frozenset(f"batch.{status}" for status in ENDED)
# Told of stored images, also when their batch has ended: they neither end it nor open it again.
_AFTERWARDS: Final = frozenset({"publication.uploaded", "publication.failed"})


@dataclass(frozen=True, slots=True)
class Reset:
    """What came after the id a listener sent cannot be told: look anew, then listen on."""

    reason: str  # events.PRUNED or events.RESTORED
    batch: Batch | None  # as it is now; None in the stream of all batches


async def of_batch(
    hub: Hub, batch: str, after: int, *, previews: bool = True
) -> AsyncGenerator[Event | Progress | Reset | None, None]:
    """Events of one batch after a number, live progress between them, None when it is quiet.

    Previews are made for whoever listens, unless all of them do without.

    Begins with a `Reset` where they cannot be told without a gap. Ends when the batch has ended and
    everything is told, unless somebody asks for a retry before. What becomes of copies after that
    is told in the stream of all events, or to who asks again. Also ends for who is too slow.
    """
    lost = await _lost(hub, batch, after)
    if lost and (now := await batches.batch(hub.database, batch)):
        after = now.last_event
        yield Reset(lost, now)
        if now.status in ENDED:
            return
    source = _batch(hub.database, batch)
    telling = _heard(hub, source, (0, after), ANYBODY, previews=previews)
    async with aclosing(telling) as heard:
        async for one in heard:
            match one:
                case Placed(_, event):
                    yield event
                case Progress():
                    yield one
                case _:
                    yield None


async def of_all(
    hub: Hub, after: Cursor | None, rights: Rights = ANYBODY
) -> AsyncGenerator[tuple[Cursor, Event | Reset | None] | Progress, None]:
    """Events of every batch that is reached, behind a cursor (None: from now on), for ever, and
    live progress between them. Previews are made of what is reached meanwhile.

    Begins with a `Reset` where they cannot be told without a gap. When it is quiet there is no
    event, but how far everything was looked through. Ends only for who is too slow.
    """
    lost = await events.lost(hub.database, after) if after else None
    cursor = after if after and not lost else await events.newest(hub.database)
    if lost:
        yield cursor, Reset(lost, None)
    await hub.audience.come()
    async with aclosing(_heard(hub, _all(hub), cursor.place, rights)) as heard:
        async for one in heard:
            match one:
                case Placed(place, event):
                    yield cursor.at(place), event
                case Progress():
                    yield one
                case _:
                    yield cursor.at(one), None


async def _lost(hub: Hub, batch: str, after: int) -> str | None:
    """Why not everything can be told; who is among the others on a feed need not be looked up."""
    feed = hub.feed(batch)
    if feed is not None and feed.knows((0, after)):
        return None
    standing = await events.standing(hub.database, batch, after)
    return standing.lost if standing else None


def _batch(database: Database, batch: str) -> Source:
    async def read(after: Place, limit: int) -> list[Placed]:
        page = await events.of_batch(database, batch, after[1], limit)
        return [Placed((0, event.number), event) for event in page]

    async def over(last: Event) -> bool:
        return last.type in _ENDINGS or (
            last.type in _AFTERWARDS and await _has_ended(database, batch, last.number)
        )

    return Source(batch, read, over)


def _all(hub: Hub) -> Source:
    async def read(after: Place, limit: int) -> list[Placed]:
        return await events.of_all(hub.database, after, limit)

    async def over(_: Event) -> bool:
        return False

    return Source(ALL, read, over, hub.audience.shown)


async def _has_ended(database: Database, batch: str, after: int) -> bool:
    """Whether it is over, and its last event is this one."""
    now = await batches.batch(database, batch)
    return now is None or (now.status in ENDED and now.last_event == after)


async def _heard(
    hub: Hub, source: Source, place: Place, rights: Rights, *, previews: bool = False
) -> AsyncGenerator[Placed | Progress | Place, None]:
    """Everything behind a place, live progress, and when it is quiet how far that is."""
    begin, page = place, list[Placed]()
    last: Event | None = None
    while not hub.meets(source.topic, place):
        others = hub.feed(source.topic)
        known = others.begin if others else place
        begin, page = place, await source.read(place, PAGE)
        for placed in page:
            place, last = placed.place, placed.event
            if reached(placed, rights):
                yield placed
        if len(page) == PAGE:
            continue
        if last and await source.over(last):
            return
        if hub.feed(source.topic) is None:
            break
        # What the others began behind was over before this was read, also if nothing stands there.
        place = max(place, known)
        if not hub.meets(source.topic, place):
            await asyncio.sleep(_CLOSE)
    listening = hub.listening(source, place, rights, begin, page, previews=previews)
    with listening as (feed, listener):
        async with aclosing(_live(feed, listener)) as live:
            async for one in live:
                yield one


async def _live(feed: Feed, listener: Listener) -> AsyncGenerator[Placed | Progress | Place, None]:
    while True:
        listener.news.clear()
        while listener.waiting or listener.live:
            if listener.waiting:
                yield listener.waiting.popleft()
            else:
                yield listener.live.pop(next(iter(listener.live)))
        if listener.trouble is not None:
            raise listener.trouble
        if listener.gone or (feed.over and not listener.waiting):
            return
        if not await set_within(listener.news, KEEP_ALIVE):
            yield feed.place
