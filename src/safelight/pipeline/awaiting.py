"""Awaiting the end of batches: one look for all who wait, however many they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from safelight.core.errors import DatabaseAway
from safelight.core.records import Batch
from safelight.core.states import ENDED
from safelight.database import batches
from safelight.database.bell import Bell, set_within
from safelight.database.connection import Database
from safelight.database.stopping import stop

_POLL_EVERY: Final = 1.0  # s; the bell only makes it faster
_PAUSE: Final = 0.02  # s between two looks
_AWAY: Final = 1.0  # s until a database that is away is asked again
_End: TypeAlias = "asyncio.Future[None]"


@dataclass(slots=True)
class _Awaited:
    """A batch, and who waits for its end."""

    bell: ExitStack = field(default_factory=ExitStack)
    by: set[_End] = field(default_factory=set)


class Ends:
    """One per process that answers requests."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell
        self._rung = asyncio.Event()
        self._awaited: dict[str, _Awaited] = {}
        self._task: asyncio.Task[None] | None = None

    async def after(
        self, seen: Batch, seconds: float, look: Callable[[str], Awaitable[Batch]]
    ) -> Batch:
        """A batch, seen just now, as soon as it ended, or as it is after so many seconds.

        A database that is away is waited for; if it is to the end, the batch is as it was last
        seen. Raises what `look` raises beside `DatabaseAway`.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while seen.status not in ENDED and (left := until - clock()) > 0:
            try:
                await self.wait(seen.id, left)
                seen = await look(seen.id)
            except DatabaseAway:
                await asyncio.sleep(min(_AWAY, max(0.0, until - clock())))
        return seen

    async def wait(self, batch: str, seconds: float) -> None:
        """Until a batch that has not ended does, or not longer. Raises `DatabaseAway`."""
        with self._waiting(batch) as end:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run(), name="ends")
            try:
                async with asyncio.timeout(seconds):
                    await end
            except TimeoutError:
                return

    async def stop(self) -> None:
        """Look no more."""
        await stop(self._task)

    @contextmanager
    def _waiting(self, batch: str) -> Iterator[_End]:
        end: _End = asyncio.get_running_loop().create_future()
        if batch not in self._awaited:
            awaited = self._awaited[batch] = _Awaited()
            awaited.bell.enter_context(self._bell.waiting_for_end(batch, self._rung))
        awaited = self._awaited[batch]
        awaited.by.add(end)
        try:
            yield end
        finally:
            awaited.by.discard(end)
            if not awaited.by:
                awaited.bell.close()
                del self._awaited[batch]

    async def _run(self) -> None:
        while self._awaited:
            await set_within(self._rung, _POLL_EVERY)
            self._rung.clear()
            try:
                for batch in await batches.ended_among(self._database, list(self._awaited)):
                    self._tell(batch, None)
            except DatabaseAway as away:
                for batch in tuple(self._awaited):
                    self._tell(batch, away)
            await asyncio.sleep(_PAUSE)

    def _tell(self, batch: str, trouble: DatabaseAway | None) -> None:
        awaited = self._awaited.get(batch)
        for end in tuple(awaited.by) if awaited else ():
            if end.done():
                continue
            if trouble:
                end.set_exception(trouble)
            else:
                end.set_result(None)
