"""index.txt beside the originals of each series, and at the publishers that want it.

The row of the series is the truth; the file is brought up to date in the background, within a
second or two of a reservation. What is behind is claimed first, and after writing the claim is
looked at: so a worker that slept with an old number in its hands sees to it that the file is
written again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

import structlog

from safelight.core.errors import DatabaseAway
from safelight.core.naming import index_key, index_text
from safelight.database import indices
from safelight.database.connection import Database
from safelight.database.indices import Behind
from safelight.publishers.base import NotNow, Publisher, Refused, Uploaded
from safelight.store import Store, StoreError

log = structlog.get_logger()

_LOOK_EVERY: Final = 1.0  # s
_BITE: Final = 16  # files written at the same time
_LONGEST: Final = 3600.0  # s between two tries at a publisher


class Indices:
    """Writes what is behind. Every process with a worker runs one."""

    def __init__(
        self, database: Database, store: Store, publishers: Mapping[str, Publisher]
    ) -> None:
        self._database = database
        self._store = store
        self._publishers = publishers

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._in_store(), name="index.txt")
            for name, publisher in self._publishers.items():
                tasks.create_task(self._at(name, publisher), name=f"index.txt at {name}")

    async def _in_store(self) -> None:
        wanted = False
        while True:
            try:
                if not wanted:
                    await indices.want(self._database, list(self._publishers))
                    wanted = True
                more = await self._write()
            except DatabaseAway as away:
                log.info("index.txt not looked at", reason=str(away))
                more = False
            if not more:
                await asyncio.sleep(_LOOK_EVERY)

    async def _write(self) -> bool:
        """Some of what is behind in the store; whether there may be more."""
        claim = uuid4()
        behind = await indices.claim(self._database, claim, _BITE)
        written = await asyncio.gather(*(self._replace(file) for file in behind))
        for file in filter(None, written):
            await indices.note(self._database, file, claim, list(self._publishers))
        return len(behind) == _BITE

    async def _replace(self, file: Behind) -> Behind | None:
        try:
            await self._store.replace(
                index_key(file.user, file.character), index_text(file.highest).encode()
            )
        except StoreError as error:
            log.info("index.txt not written, the claim runs out", reason=str(error))
            return None
        return file

    async def _at(self, name: str, publisher: Publisher) -> None:
        while True:
            try:
                pause = await self._copy(name, publisher)
            except DatabaseAway as away:
                log.info("index.txt at a publisher not looked at", reason=str(away))
                pause = 0.0
            await asyncio.sleep(max(pause, _LOOK_EVERY))

    async def _copy(self, name: str, publisher: Publisher) -> float:
        """Some of what is behind at a publisher; seconds in which nothing should be sent there."""
        pause = 0.0
        claim = uuid4()
        behind = await indices.claim_copies(self._database, name, claim, _BITE)
        outcomes = await asyncio.gather(
            *(publisher.write_index(file.user, file.character, file.highest) for file in behind)
        )
        for file, outcome in zip(behind, outcomes, strict=True):
            match outcome:
                case Uploaded():
                    await indices.note_copy(self._database, name, file, claim)
                    continue
                case NotNow(reason, wanted):
                    pause = max(pause, wanted or 0.0)
                case Refused(reason):
                    pass
            again = max(pause, min(2.0**file.tries, _LONGEST))
            await indices.note_copy(self._database, name, file, claim, reason, again)
        return pause
