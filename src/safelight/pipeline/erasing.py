"""Erasing a user: what is unfinished is canceled, pictures go, texts are forgotten, copies go.

Every step looks at what is left and goes on from there, so whoever was killed begins again and gets
to the end. Rows stay, with their indices and counters: nothing is ever given out twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID, uuid4

from safelight.core.errors import Conflict
from safelight.core.naming import read_store_key
from safelight.database import erasing, removals
from safelight.database.connection import Database
from safelight.database.erasing import Copied
from safelight.pipeline.unpublishing import Removals
from safelight.pipeline.wishes import Wishes
from safelight.publishers.base import Publisher
from safelight.store import Store

_LOOK_EVERY: Final = 0.25  # s
_AT_ONCE: Final = 4  # copies taken away

# What is being done, and how much of it: told again and again.
Progress: TypeAlias = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of it."""

    batches: int  # erased now
    files: int  # removed now
    unfinished: int  # batches that did not end in time
    copies_left: int  # at publishers, though somebody asked to take them away


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases users."""

    database: Database
    store: Store
    wishes: Wishes
    publishers: Mapping[str, Publisher]
    patience: float  # s for backends to let go, and for publishers to answer
    progress: Progress = lambda what, count: None
    me: UUID = field(default_factory=uuid4)

    async def erase(self, user: str, *, publications: bool) -> Erased:
        """Erase everything of a user that there is; twice is as good as once.

        Raises:
            DatabaseAway, StoreTrouble: not everything was erased; do it again.
        """
        await self._cancel(user)
        batches = await self._forget(user)
        files = await self._remove_files(user)
        await erasing.leave_indices(self.database, user)
        await erasing.forget_quotas(self.database, user)
        files += await self._sweep(user)
        if publications:
            await erasing.ask_removal(self.database, user)
            await self._unpublish(user)
        unfinished = len(await erasing.unfinished(self.database, user))
        left = 0
        async for _ in self.copies_left(user):
            left += 1
        return Erased(batches, files, unfinished, left)

    async def copies_left(self, user: str) -> AsyncIterator[Copied]:
        """Copies that somebody asked to take away, and that are not."""
        after = erasing.NIL
        while some := await erasing.copies(self.database, user, after):
            after = some[-1].id
            for copy in some:
                yield copy

    async def _cancel(self, user: str) -> None:
        """Everything that is unfinished; backends get a moment to let go of it."""
        clock = asyncio.get_running_loop().time
        until = clock() + self.patience
        asked: set[str] = set()
        while unfinished := await erasing.unfinished(self.database, user):
            for batch in unfinished:
                if batch not in asked:
                    asked.add(batch)
                    try:
                        await self.wishes.cancel_batch(batch)
                    except Conflict:
                        pass  # it ended by itself
            if clock() > until:
                return
            self.progress("batches at backends", len(unfinished))
            await asyncio.sleep(_LOOK_EVERY)

    async def _forget(self, user: str) -> int:
        count = 0
        while batches := await erasing.left(self.database, user):
            for batch in batches:
                await erasing.erase(self.database, batch)
                count += 1
                self.progress("batches", count)
        return count

    async def _remove_files(self, user: str) -> int:
        """Those that rows name."""
        count = 0
        while files := await erasing.files(self.database, user):
            for key in files.values():
                await self.store.delete(key)
                count += 1
                self.progress("pictures", count)
            await removals.files_gone(self.database, list(files))
        return count

    async def _sweep(self, user: str) -> int:
        """What else of ours lies in the user's folder, but for what unfinished images may need."""
        wanted = await erasing.wanted(self.database, user)
        count = 0
        async for page in self.store.walk(user):
            for one in page:
                leftover = read_store_key(one.key) and one.key[-40:-4] not in wanted
                if leftover or one.key.endswith("/index.txt"):
                    await self.store.delete(one.key)
                    count += 1
        await self.store.tidy(user)
        return count

    async def _unpublish(self, user: str) -> None:
        """Take copies away as long as that leads anywhere; workers go on with what is left."""
        clock = asyncio.get_running_loop().time
        until = clock() + self.patience
        while clock() < until:
            due = [
                copy
                async for copy in self.copies_left(user)
                if copy.due and copy.publisher in self.publishers
            ]
            if not due:
                return
            self.progress("copies left", len(due))
            for at in range(0, len(due), _AT_ONCE):
                await asyncio.gather(*(self._take_away(copy) for copy in due[at : at + _AT_ONCE]))
            await asyncio.sleep(_LOOK_EVERY)

    async def _take_away(self, copy: Copied) -> None:
        runner = Removals(self.database, self.publishers[copy.publisher])
        async with self.database.transaction() as c:
            claimed = await runner.claim(c, copy.id, self.me)
        if claimed is not None:
            await runner.carry(claimed)
