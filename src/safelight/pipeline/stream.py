"""stream: event rows → whoever listens, from any point, without gaps.

The rows are read again and again behind the last one seen; the bell only says when it is worth it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from safelight.core.records import Batch, Event
from safelight.core.rights import ANYBODY, Rights
from safelight.core.states import ENDED
from safelight.database import batches, events
from safelight.database.bell import Bell, Progress, set_within
from safelight.database.connection import Database
from safelight.database.events import Cursor

POLL_EVERY: Final = 1.0  # s; the bell only makes it faster
KEEP_ALIVE: Final = 15.0  # s of silence
_PAGE: Final = 500
_ENDINGS: Final = frozenset(f"batch.{status}" for status in ENDED)
# Told of stored images, also when their batch has ended: they neither end it nor open it again.
_AFTERWARDS: Final = frozenset({"publication.uploaded", "publication.failed"})


@dataclass(frozen=True, slots=True)
class Reset:
    """What came after the id a listener sent cannot be told: look anew, then listen on."""

    reason: str  # events.PRUNED or events.RESTORED
    batch: Batch | None  # as it is now; None in the stream of all batches


async def of_batch(
    database: Database, bell: Bell, batch: str, after: int
) -> AsyncIterator[Event | Progress | Reset | None]:
    """Events of one batch after a number, live progress between them, None when it is quiet.

    Begins with a `Reset` where they cannot be told without a gap. Ends when the batch has ended and
    everything is told, unless somebody asks for a retry before. What becomes of copies after that
    is told in the stream of all events, or to who asks again.
    """
    ended = False
    lost = (await events.place(database, batch, after)).lost
    if lost and (now := await batches.batch(database, batch)):
        after, ended = now.last_event, now.status in ENDED
        yield Reset(lost, now)
    told: dict[str, Progress] = {}
    quiet_since = _now()
    with bell.waiting(batch) as news:
        while True:
            news.clear()
            page = await events.of_batch(database, batch, after, _PAGE)
            for event in page:
                after = event.number
                ended = event.type in _ENDINGS
                yield event
            if page and page[-1].type in _AFTERWARDS:
                ended = await _has_ended(database, batch, after)
            if ended and len(page) < _PAGE:
                return
            for progress in _fresh(bell.progress_of(batch), told):
                quiet_since = _now()
                yield progress
            quiet_since = _now() if page else quiet_since
            if _now() - quiet_since >= KEEP_ALIVE:
                quiet_since = _now()
                yield None
            if len(page) < _PAGE:
                await set_within(news, POLL_EVERY)


async def _has_ended(database: Database, batch: str, after: int) -> bool:
    """Whether it is over, and its last event is this one."""
    now = await batches.batch(database, batch)
    return now is None or (now.status in ENDED and now.last_event == after)


async def of_all(
    database: Database, bell: Bell, after: Cursor | None, rights: Rights = ANYBODY
) -> AsyncIterator[tuple[Cursor, Event | Reset] | None]:
    """Events of every batch that is reached, behind a cursor (None: from now on), for ever.

    Begins with a `Reset` where they cannot be told without a gap.
    """
    lost = await events.lost(database, after) if after else None
    cursor = after if after and not lost else await events.newest(database)
    if lost:
        yield cursor, Reset(lost, None)
    quiet_since = _now()
    with bell.waiting("*") as news:
        while True:
            news.clear()
            page = await events.of_all(database, cursor, _PAGE, rights)
            for cursor, event in page:
                yield cursor, event
            quiet_since = _now() if page else quiet_since
            if _now() - quiet_since >= KEEP_ALIVE:
                quiet_since = _now()
                yield None
            if len(page) < _PAGE:
                await set_within(news, POLL_EVERY)


def _fresh(latest: list[Progress], told: dict[str, Progress]) -> list[Progress]:
    fresh = [progress for progress in latest if told.get(progress.image) != progress]
    told.update({progress.image: progress for progress in fresh})
    return fresh


def _now() -> float:
    return asyncio.get_running_loop().time()
