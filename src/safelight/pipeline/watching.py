"""Watching: workers, wherever they are, are told to which batches somebody listens.

A row for each such batch says until when. Processes whose listeners want previews renew it; workers
read it once a second, and make previews only then (`worker.previews`). Nobody needs to take it
back: it runs out, also when the process is killed. Who listens to all events counts as one who
listens to each batch of whose progress they have heard lately.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway
from safelight.database import previews
from safelight.database.bell import set_within
from safelight.database.connection import Database
from safelight.database.stopping import stop

log = structlog.get_logger()

RENEW_EVERY: Final = 3.0  # s
WATCHED_FOR: Final = 10.0  # s
LATELY: Final = 5.0  # s after progress was heard of in which more of it is expected
_MOST: Final = 1_000  # batches that are watched because of that
_PAUSE: Final = 0.2  # s between two statements, however many begin to listen


class Watching:
    """What this process watches."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batches: Counter[str] = Counter()  # batch → how many watch it here
        self._lately: dict[str, float] = {}  # batch → until when it is watched, loop time
        self._new: set[str] = set()
        self._begun = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def of(self, batch: str) -> Iterator[None]:
        """Somebody watches it meanwhile."""
        self._begin(batch)
        self._batches[batch] += 1
        try:
            yield
        finally:
            self._batches[batch] -= 1
            if not self._batches[batch]:
                del self._batches[batch]
                self._new.discard(batch)

    def lately(self, batch: str) -> None:
        """Somebody who listens to all events has heard of its progress: it is watched for a while
        longer. Of too many batches at a time those wait that were heard of first."""
        self._begin(batch)
        self._lately.pop(batch, None)
        self._lately[batch] = asyncio.get_running_loop().time() + LATELY
        if len(self._lately) > _MOST:
            del self._lately[next(iter(self._lately))]

    async def stop(self) -> None:
        """Say nothing more."""
        await stop(self._task)

    def _begin(self, batch: str) -> None:
        if not self._batches[batch] and batch not in self._lately:
            self._new.add(batch)
            self._begun.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="watching")

    def _watched(self, now: float) -> set[str]:
        """All of them; those that nobody has heard of for a while are forgotten."""
        self._lately = {batch: until for batch, until in self._lately.items() if until > now}
        return set(self._batches) | set(self._lately)

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        renewed = clock()
        while watched := self._watched(clock()):
            self._begun.clear()
            due = clock() - renewed >= RENEW_EVERY
            told, self._new = sorted(watched if due else self._new & watched), set()
            renewed = clock() if due else renewed
            try:
                if told:
                    await previews.watch(self._database, told, WATCHED_FOR)
            except DatabaseAway as away:
                log.debug("nobody is told who listens", reason=str(away))
            await asyncio.sleep(_PAUSE)
            await set_within(self._begun, max(0.0, renewed + RENEW_EVERY - clock()))
