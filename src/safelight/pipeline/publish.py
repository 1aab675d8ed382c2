"""publish: a stored picture → one copy at one publisher, verified.

The image's row and file are only read: a copy never delays an image and never changes it. A copy
may be tried by two workers at once, or again after an answer was lost: its place is written before
the first try and never changes, and a publisher never overwrites what lies there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import random
from typing import Final
from uuid import UUID

import structlog

from safelight.core.delivering import CLAIM, doubling, next_wait
from safelight.core.happenings import CopyTried
from safelight.core.naming import DEFAULT_TEMPLATE
from safelight.core.states import FAILED, UPLOADED
from safelight.core.traceparent import place_of_attempt
from safelight.database import publications
from safelight.database.bell import Bell
from safelight.database.connection import Connection, Database
from safelight.database.publications import KIND, Claimed, Confirmed
from safelight.pipeline.copying import Damaged, SpooledCopy, copied
from safelight.pipeline.tracing import UNTRACED, Traces, log_about
from safelight.publishers.base import Item, NotNow, Outcome, Publisher, Refused, Uploaded
from safelight.store import KeyMissing, Store, StoreError

log = structlog.get_logger()

_REASON_MAX: Final = 500  # characters of what is kept and shown
_PAUSE_MAX: Final = 600.0  # s
_DELAYED: Final = "delayed"


@dataclass(frozen=True, slots=True)
class Publish:
    """The errands of one publisher, see `worker.errands.Runner`."""

    database: Database
    bell: Bell
    store: Store
    publisher: Publisher
    me: UUID
    room: int = 4
    schedule: Sequence[float] = field(default_factory=doubling)  # s
    keep_metadata: bool = False
    share: Callable[[], float] = random  # where in its spread a wait lies, from 0 to 1
    traces: Traces = UNTRACED

    @property
    def kind(self) -> str:
        """Of its errands."""
        return KIND + self.publisher.name

    async def claim(self, c: Connection, row: str, worker: UUID) -> Claimed | None:
        """See `Runner`; its place is written with the first claim."""
        claimed = await publications.claim(c, row, worker, CLAIM)
        if claimed is None or claimed.place is not None:
            return claimed
        place = self.publisher.place(item_of(claimed))
        return replace(claimed, place=await publications.give_place(c, row, place))

    async def carry(self, claimed: Claimed) -> float | None:
        """Copy it, and write what came of it; seconds in which nothing else should be copied."""
        log_about(claimed.traceparent, batch_id=claimed.batch, image_id=claimed.image)
        clock, name = asyncio.get_running_loop().time, self.publisher.name
        began = clock()
        here = place_of_attempt(claimed.batch, claimed.traceparent, claimed.prompt_id)
        about = {"batch": claimed.batch, "image": claimed.image, "publisher": name}
        with self.traces.span("publication.upload", here, **about, tries=claimed.tries) as span:
            pause, word = await self._copy(claimed)
            span.say(outcome=word)
        if word:
            self.database.count(CopyTried(name, word, clock() - began))
        return pause

    async def _copy(self, claimed: Claimed) -> tuple[float | None, str | None]:
        """How long to pause, and what came of it; None: another worker was faster."""
        try:
            async with copied(self.store, claimed.file, whole=self.keep_metadata) as copy:
                outcome = await self._publish(claimed, copy)
                return await self._note(claimed, copy, outcome)
        except (Damaged, KeyMissing) as error:
            lost = f"{error}. Look for it with safelight audit --repair."
            return None, await self._give_up(claimed, lost)
        except (StoreError, OSError) as error:
            unread = NotNow(f"the picture cannot be read now: {error}")
            return None, await self._delay(claimed, unread)

    async def renew(self, rows: Sequence[str], worker: UUID) -> None:
        """See `Runner`."""
        await publications.renew(self.database, rows, worker, CLAIM)

    async def release(self, rows: Sequence[str], worker: UUID) -> None:
        """See `Runner`."""
        await publications.release(self.database, rows, worker)

    async def catch_up(self, *, started: bool) -> None:
        """See `Runner`."""
        if started:
            await publications.hasten(self.database, self.publisher.name)
        await publications.catch_up(self.database, self.publisher.name)

    async def _publish(self, claimed: Claimed, copy: SpooledCopy) -> Outcome:
        assert claimed.place is not None
        return await self.publisher.publish(claimed.place, item_of(claimed), copy)

    async def _note(
        self, claimed: Claimed, copy: SpooledCopy, outcome: Outcome
    ) -> tuple[float | None, str | None]:
        match outcome:
            case Uploaded(url):
                said = Confirmed(url, copy.size, copy.md5, copy.sha256)
                return None, await self._confirm(claimed, said)
            case Refused(reason):
                return None, await self._give_up(claimed, reason)
            case NotNow(_, pause):
                word = await self._delay(claimed, outcome)
                return min(pause, _PAUSE_MAX) if pause else None, word

    async def _confirm(self, claimed: Claimed, confirmed: Confirmed) -> str | None:
        async with self.database.transaction() as c:
            done = await publications.confirm(c, claimed.id, claimed.batch, confirmed)
        if done:
            self.bell.ring(claimed.batch)
            log.debug("copy uploaded", image_id=claimed.image, publisher=self.publisher.name)
        return UPLOADED if done else None

    async def _give_up(self, claimed: Claimed, reason: str) -> str | None:
        async with self.database.transaction() as c:
            done = await publications.give_up(c, claimed.id, claimed.batch, reason[:_REASON_MAX])
        if done:
            self.bell.ring(claimed.batch)
            name = self.publisher.name
            log.error("copy failed", image_id=claimed.image, publisher=name, reason=reason)
        return FAILED if done else None

    async def _delay(self, claimed: Claimed, outcome: NotNow) -> str | None:
        name, reason = self.publisher.name, outcome.reason[:_REASON_MAX]
        wait = next_wait(self.schedule, claimed.tries, self.share())
        if wait is None:
            return await self._give_up(claimed, f"{reason} (tried {claimed.tries} times)")
        wait = max(wait, min(outcome.pause or 0.0, _PAUSE_MAX))
        async with self.database.transaction() as c:
            done = await publications.delay(c, name, claimed.id, self.me, wait, reason)
        again = {"again_in": round(wait, 1), "reason": reason}
        log.info("copy not possible now", image_id=claimed.image, publisher=name, **again)
        return _DELAYED if done else None


def item_of(claimed: Claimed) -> Item:
    """An image as its publisher sees it."""
    file = claimed.file
    return Item(
        image=claimed.image,
        user=claimed.user,
        character=claimed.character,
        index=claimed.index,
        seed=claimed.seed,
        name=DEFAULT_TEMPLATE.name(claimed.user, claimed.character, claimed.index),
        content_type=file.content_type,
        width=file.width,
        height=file.height,
    )
