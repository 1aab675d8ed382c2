"""Pictures as server-sent events, each as soon as it is stored.

There are no ids: one of their clients takes the blank line behind a comment for an event then.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Final

from safelight.api.answers import one_line
from safelight.api.auth import still_of
from safelight.api.openai import errors
from safelight.api.openai.pieces import Pieces
from safelight.api.openai.requests import HOLD
from safelight.core.errors import DatabaseAway, Refusal, SafelightError, Trouble
from safelight.core.records import Batch, Event
from safelight.core.states import ENDED, STORED
from safelight.gateway import Live

_PAUSE: Final = 1.0  # s until a database that is away is asked again


async def stream(
    pieces: Pieces, batch: Batch, check: Callable[[Batch], None]
) -> AsyncGenerator[bytes, None]:
    """Previews and stored images, to the batch's end; `check` raises where it is not complete.

    The headers are out by then, so what goes wrong on the way is told as an event `error`. Raises
    `Trouble` behind it, and in its place where half an event is out: this is no whole answer.
    """
    telling = _Telling(pieces, batch)
    try:
        async for piece in telling.all():
            yield piece
        check(telling.batch)
    except SafelightError as error:
        if telling.midway:
            raise
        yield f"event: error\ndata: {one_line(errors.body(error))}\n\n".encode()
        if isinstance(error, Trouble):
            raise


class _Telling:
    """What was told of a batch so far."""

    def __init__(self, pieces: Pieces, batch: Batch) -> None:
        self.batch = batch
        self.midway = False  # an event has begun and has not ended
        self._pieces = pieces
        self._gateway = pieces.gateway
        self._still = still_of(pieces.request)
        self._told: set[str] = set()  # images
        self._shown: defaultdict[str, list[int]] = defaultdict(list)  # previews of each image
        self._heard = 0  # number of the last event

    async def all(self) -> AsyncIterator[bytes]:
        """Everything, to the batch's end. A database that is away is waited for, as long as an
        answer may be held back. Raises `DatabaseAway`."""
        clock = asyncio.get_running_loop().time
        until: float | None = None  # it is waited for
        while True:
            try:
                async for piece in self._following():
                    until = None
                    yield piece
                async for piece in self._stored():
                    yield piece
            except DatabaseAway:
                until = clock() + HOLD if until is None else until
                if clock() > until:
                    raise
                yield b": ping\n\n"
                await asyncio.sleep(_PAUSE)
                continue
            if self.batch.status in ENDED:
                return

    async def _following(self) -> AsyncIterator[bytes]:
        wanted = self._pieces.wish.previews > 0
        events: Any = self._gateway.events(self.batch.id, self._heard, seated=True, previews=wanted)
        async with aclosing(events) as heard:
            async for one in heard:
                await self._still()
                match one:
                    case None:
                        yield b": ping\n\n"
                    case Live():
                        yield await self._preview(one)
                    case Event():
                        if one.type == "image.stored":
                            async for piece in self._stored():
                                yield piece
                        self._heard = one.number

    async def _stored(self) -> AsyncIterator[bytes]:
        """Stored images that were not told."""
        self.batch = await self._gateway.batch(self.batch.id)
        for image in self.batch.images:
            if image.status == STORED and image.id not in self._told:
                self._told.add(image.id)
                async for piece in self._pieces.completed(self.batch, image):
                    self.midway = True
                    yield piece
                self.midway = False

    async def _preview(self, live: Live) -> bytes:
        shown = self._shown[live.image]
        wanted = len(shown) < self._pieces.wish.previews and live.image not in self._told
        if not wanted or not live.preview or live.preview in shown:
            return b""
        try:
            number, preview = await self._gateway.preview(live.image)
        except Refusal:
            return b""  # it is drawn by now
        if number in shown:
            return b""
        shown.append(number)
        image = next(image for image in self.batch.images if image.id == live.image)
        share = live.step / live.steps if live.steps else 0.0
        return self._pieces.partial(self.batch, image, preview, len(shown) - 1, share)
