"""The audit: whether rows, store and publishers agree, while everything goes on.

Rows and the store's list are read side by side in the order of keys, a page of each at a time.
What does not match is looked at again: the store first, then the row. A picture is written before
its row says so and removed after its row says so; so a file that was not there *before* its row
still claimed it is missing, and an object that no row claims *after* it was seen, and no unfinished
image can still claim, is nobody's.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from safelight.core import auditing as core
from safelight.core.auditing import Bytes, Pair, Row, Thing
from safelight.core.errors import StoreTrouble
from safelight.core.naming import read_store_key
from safelight.database import auditing
from safelight.database.auditing import Copied, Original
from safelight.database.connection import Database
from safelight.pipeline.mending import Mender, Repair
from safelight.publishers.base import Found, Missing, NotNow, Publisher
from safelight.store import KeyMissing, Listed, Store

PAGE: Final = 500
_LOOKS: Final = 4  # at one publisher at once

# What is being done, and how much of it: told again and again.
Progress: TypeAlias = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not agree."""

    kind: str  # one of `core.auditing.KINDS`
    about: str  # a key, a place at a publisher, or a series
    detail: str
    image: str | None = None  # id
    publisher: str | None = None
    repaired: bool = False
    repair: str | None = None  # what was done, or why nothing could be; None: nobody asked for it


@dataclass
class Counts:
    """What was looked at."""

    images: int = 0
    objects: int = 0
    copies: int = 0


@dataclass
class Auditor:
    """One audit. `mender` puts right what can be, None only tells."""

    database: Database
    store: Store
    publishers: Mapping[str, Publisher]
    mender: Mender | None = None
    user: str | None = None
    deep: bool = False
    every_publisher: bool = True  # those that are not in `publishers` are told
    progress: Progress = lambda what, count: None
    counts: Counts = field(default_factory=Counts)
    _last: Row | None = field(default=None, init=False)  # read of the rows

    async def findings(self) -> AsyncIterator[Finding]:
        """Everything that does not agree, as it is found.

        Raises:
            DatabaseAway, StoreTrouble: no answer.
        """
        async for pair, listed in self._pairs():
            self._count(pair)
            for kind, row in core.suspicions(pair):
                if found := await self._looked_at(kind, row, listed):
                    yield found
            if self.deep and (found := await self._read(pair)):
                yield found
        async for found in self._duplicates():
            yield found
        async for found in self._copies():
            yield found
        if self.publishers:
            async for found in self._unlisted():
                yield found

    # --- rows and store --------------------------------------------------------------------------

    async def _pairs(self) -> AsyncIterator[tuple[Pair, Listed | None]]:
        """Every key that a row or the store has; bounded: two pages of each are held."""
        walking = self.store.walk(self.user or "")
        rows: tuple[Row, ...] = ()
        things: tuple[Thing, ...] = ()
        seen: dict[str, Listed] = {}
        rows_end = things_end = False
        while rows or things or not (rows_end and things_end):
            if not things_end and (not things or things[0].key == things[-1].key):
                page: Sequence[Listed] | None = await anext(walking, None)
                things_end = page is None
                ours = [one for one in page or () if read_store_key(one.key)]
                seen.update((one.key, one) for one in ours)
                things += tuple(Thing(one.key, one.bytes) for one in ours)
            if not rows_end and (not rows or rows[0].key == rows[-1].key):
                after = rows[-1] if rows else self._last
                more = await auditing.images_page(self.database, self.user, after, PAGE)
                rows_end = len(more) < PAGE
                self._last = more[-1] if more else after
                rows += tuple(more)
            try:
                aligned = core.align(rows, things, rows_end=rows_end, things_end=things_end)
            except core.Unordered as error:
                raise StoreTrouble(f"{self.store.name} cannot be audited: {error}") from None
            rows, things = aligned.rows, aligned.things
            for pair in aligned.pairs:
                yield pair, seen.pop(pair.key, None)

    def _count(self, pair: Pair) -> None:
        self.counts.images += sum(not row.deleted for row in pair.rows)
        self.counts.objects += pair.thing is not None
        if (self.counts.images + self.counts.objects) % 100 < 2:
            self.progress("pictures", max(self.counts.images, self.counts.objects))

    async def _looked_at(self, kind: str, row: Row | None, listed: Listed | None) -> Finding | None:
        """A suspicion, looked at again."""
        if row is None:
            return await self._orphan(listed) if listed else None
        if kind == core.SHARED_KEY:
            return Finding(kind, row.key, "two images name this file", row.image)
        size = await self.store.size(row.key)
        now = await auditing.original(self.database, row.image)
        verdict = core.file_verdict(now.row if now else None, row.key, size)
        if now is None or verdict is None:
            return None
        detail = "not in the store" if size is None else f"{size} bytes instead of {now.row.bytes}"
        return await self._mended(verdict, now, detail)

    async def _orphan(self, listed: Listed) -> Finding | None:
        named = read_store_key(listed.key)
        assert named is not None
        user, character, index = named
        prompt_id = listed.key[-40:-4]
        owner = await auditing.owner(self.database, listed.key, prompt_id, user, character)
        orphan = core.orphan_verdict(owner, index, time.time() - listed.modified)
        if orphan is None:
            return None
        repair = None
        if self.mender:
            repair = await self.mender.remove(listed.key, removable=orphan.removable)
        return _told(Finding(core.ORPHAN, listed.key, orphan.detail), repair)

    async def _read(self, pair: Pair) -> Finding | None:
        """Every byte of a file of the right size."""
        living = [row for row in pair.rows if not row.deleted]
        if not living or pair.thing is None or pair.thing.bytes != living[0].bytes:
            return None
        digest = hashlib.sha256()
        try:
            async for piece in self.store.stream(pair.key):
                digest.update(piece)
        except KeyMissing:
            return await self._looked_at(core.MISSING, living[0], None)
        now = await auditing.original(self.database, living[0].image)
        if now is None or now.row.deleted or now.row.key != pair.key:
            return None
        if digest.hexdigest() == now.sha256:
            return None
        return await self._mended(core.WRONG_BYTES, now, "other bytes than were stored")

    async def _mended(self, kind: str, lost: Original, detail: str) -> Finding:
        repair = await self.mender.bring_back(kind, lost) if self.mender else None
        return _told(Finding(kind, lost.row.key, detail, lost.row.image), repair)

    async def _duplicates(self) -> AsyncIterator[Finding]:
        async for twins in auditing.duplicates(self.database, self.user):
            indices = ", ".join(map(str, twins.indices))
            series = f"{twins.user}/{twins.character}"
            yield Finding(core.DUPLICATE, series, f"the same bytes under {indices}")

    # --- publishers ------------------------------------------------------------------------------

    async def _copies(self) -> AsyncIterator[Finding]:
        """Every copy that is said to lie somewhere."""
        for name, publisher in sorted(self.publishers.items()):
            after = auditing.NIL
            while page := await auditing.copies_page(self.database, name, self.user, after, PAGE):
                after = page[-1].id
                for at in range(0, len(page), _LOOKS):
                    some = page[at : at + _LOOKS]
                    looked = await asyncio.gather(*(self._copy(publisher, one) for one in some))
                    for found in filter(None, looked):
                        yield found
                self.counts.copies += len(page)
                self.progress(f"copies at {name}", self.counts.copies)
        if self.every_publisher:
            for name, count in (await auditing.publishers(self.database, self.user)).items():
                if name not in self.publishers:
                    detail = f"{count} copies: it is not in the settings"
                    yield Finding(core.UNCHECKED, name, detail, publisher=name)

    async def _copy(self, publisher: Publisher, copy: Copied) -> Finding | None:
        match await publisher.look(copy.place):
            case NotNow(reason):
                return Finding(core.UNCHECKED, copy.place, reason, copy.image, publisher.name)
            case Found(size, md5, sha256):
                differs = core.difference(copy.bytes, Bytes(size, md5, sha256))
                if differs is None or not await auditing.still_there(self.database, copy):
                    return None
                repair = await self.mender.refuse(copy, differs) if self.mender else None
                kind = core.COPY_DIFFERENT
            case Missing():
                if not await auditing.still_there(self.database, copy):
                    return None
                repair = await self.mender.publish_again(copy) if self.mender else None
                kind, differs = core.COPY_MISSING, "not there"
        return _told(Finding(kind, copy.place, differs, copy.image, publisher.name), repair)

    async def _unlisted(self) -> AsyncIterator[Finding]:
        """Copies that were to be made when their image was stored, and of which there is no row."""
        after = auditing.NIL
        while page := await auditing.unlisted_page(self.database, self.user, after, PAGE):
            after = page[-1].image
            for one in page:
                for name in one.publishers:
                    if name not in self.publishers:
                        continue
                    repair = await self.mender.publish(one.image, name) if self.mender else None
                    detail = "nothing says whether it was uploaded"
                    found = Finding(core.COPY_UNLISTED, one.key, detail, one.image, name)
                    yield _told(found, repair)


def _told(found: Finding, repair: Repair | None) -> Finding:
    if repair is None:
        return found
    return Finding(
        found.kind,
        found.about,
        found.detail,
        found.image,
        found.publisher,
        repair.done,
        repair.what,
    )
