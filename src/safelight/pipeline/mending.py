"""What an audit puts right. Nothing is written that was not proven, and nothing is deleted that may
still be somebody's."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from safelight.core.auditing import MISSING
from safelight.database import auditing
from safelight.database.auditing import Copied, Original
from safelight.database.connection import Database
from safelight.renderers.base import FIRST_FILE, Answer, Fetched, OutputFile, Renderer, Unfetched
from safelight.store import KeyTaken, Store

# A link and the most bytes → what lies behind it.
Download: TypeAlias = Callable[[str, int], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done about a finding, or why nothing could be."""

    done: bool
    what: str


@dataclass(frozen=True, slots=True)
class Source:
    """A backend that may still have a picture it has drawn."""

    renderer: Renderer
    pool: str


@dataclass(frozen=True, slots=True)
class Mender:
    """Puts right what an audit found."""

    database: Database
    store: Store
    backends: Mapping[str, Source]  # those that keep files under names we know
    download: Download

    async def bring_back(self, kind: str, lost: Original) -> Repair:
        """The true bytes of a stored image, under its key again."""
        proven, where = await self._search(lost)
        if proven is None:
            return Repair(False, where)
        if kind == MISSING:
            try:
                await self.store.put(lost.row.key, proven, same_ok=True)
            except KeyTaken:
                return Repair(False, "something lies there by now: audit again")
        else:
            await self.store.replace(lost.row.key, proven)
        now = await auditing.original(self.database, lost.row.image)
        if now is None or now.row.deleted:
            await self.store.delete(lost.row.key)
            return Repair(True, "it was deleted meanwhile")
        return Repair(True, f"restored from {where}")

    async def remove(self, key: str, *, removable: bool) -> Repair:
        """An object that nobody names."""
        if not removable:
            return Repair(False, "left alone")
        await self.store.delete(key)
        return Repair(True, "deleted")

    async def publish_again(self, copy: Copied) -> Repair:
        """A copy that is not there any more is uploaded once more, by a worker."""
        if await auditing.publish_again(self.database, copy):
            return Repair(True, "pending: a worker uploads it again")
        return Repair(True, "it is not wanted there any more")

    async def publish(self, image: str, publisher: str) -> Repair:
        """A copy that there is no row of is made, by a worker."""
        if await auditing.publish(self.database, image, publisher):
            return Repair(True, "pending: a worker uploads it")
        return Repair(True, "somebody saw to it meanwhile")

    async def refuse(self, copy: Copied, reason: str) -> Repair:
        """What lies at its place is not ours to touch."""
        await auditing.refuse(self.database, copy, f"an audit found another picture: {reason}")
        return Repair(False, "left alone; the publication is failed")

    async def _search(self, lost: Original) -> tuple[bytes | None, str]:
        """The image's own bytes and where they were, or why there are none."""
        tried: list[str] = []
        for name in self._likely(lost):
            file = OutputFile(FIRST_FILE, f"safelight/{lost.prompt_id}", "output")
            answer = await self.backends[name].renderer.fetch(file, lost.row.bytes)
            if (data := _proven(answer, lost)) is not None:
                return data, f"backend {name}"
            tried.append(f"backend {name}: {_why_not(answer)}")
        for publisher, url in (await auditing.same_copies(self.database, lost.row.image)).items():
            answer = await self.download(url, lost.row.bytes)
            if (data := _proven(answer, lost)) is not None:
                return data, f"publisher {publisher}"
            tried.append(f"publisher {publisher}: {_why_not(answer)}")
        return None, "; ".join(tried) or "no backend and no publisher has its bytes"

    def _likely(self, lost: Original) -> list[str]:
        """Backends to ask: the one that drew it, then others that may write to the same folder."""
        if lost.prompt_id is None:
            return []
        return sorted(
            (n for n, one in self.backends.items() if lost.pool == one.pool or lost.backend == n),
            key=lambda name: name != lost.backend,
        )


def _proven(answer: Answer, lost: Original) -> bytes | None:
    match answer:
        case Fetched(data) if hashlib.sha256(data).hexdigest() == lost.sha256:
            return data
    return None


def _why_not(answer: Answer) -> str:
    return answer.reason if isinstance(answer, Unfetched) else "other bytes"
