"""Pictures as server-sent events, each as soon as it is stored.

There are no ids: one of their clients takes the blank line behind a comment for an event then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from safelight.api.answers import one_line
from safelight.api.auth import still_of
from safelight.api.openai import errors
from safelight.api.openai.pieces import Pieces
from safelight.core.errors import Refusal, SafelightError
from safelight.core.records import Batch, Event
from safelight.core.states import ENDED, STORED
from safelight.gateway import Live


async def stream(
    pieces: Pieces, batch: Batch, check: Callable[[Batch], None]
) -> AsyncGenerator[bytes, None]:
    """Previews and stored images, to the batch's end; `check` raises where it is not complete.

    The headers are out by then, so trouble on the way is told as an event `error`.
    """
    telling = _Telling(pieces, batch)
    try:
        async for piece in telling.all():
            yield piece
        check(telling.batch)
    except SafelightError as error:
        yield f"event: error\ndata: {one_line(errors.body(error))}\n\n".encode()


class _Telling:
    """What was told of a batch so far."""

    def __init__(self, pieces: Pieces, batch: Batch) -> None:
        self.batch = batch
        self._pieces = pieces
        self._gateway = pieces.gateway
        self._still = still_of(pieces.request)
        self._told: set[str] = set()  # images
        self._shown: defaultdict[str, list[int]] = defaultdict(list)  # previews of each image
        self._heard = 0  # number of the last event

    async def all(self) -> AsyncIterator[bytes]:
        """Everything, to the batch's end."""
        while True:
            async for piece in self._following():
                yield piece
            async for piece in self._stored():
                yield piece
            if self.batch.status in ENDED:
                return

    async def _following(self) -> AsyncIterator[bytes]:
        events: Any = self._gateway.events(self.batch.id, self._heard)
        async with aclosing(events) as heard:
            async for one in heard:
                await self._still()
                match one:
                    case None:
                        yield b": ping\n\n"
                    case Live():
                        yield await self._preview(one)
                    case Event():
                        self._heard = one.number
                        if one.type == "image.stored":
                            async for piece in self._stored():
                                yield piece

    async def _stored(self) -> AsyncIterator[bytes]:
        """Stored images that were not told."""
        self.batch = await self._gateway.batch(self.batch.id)
        for image in self.batch.images:
            if image.status == STORED and image.id not in self._told:
                self._told.add(image.id)
                async for piece in self._pieces.completed(self.batch, image):
                    yield piece

    async def _preview(self, live: Live) -> bytes:
        shown = self._shown[live.image]
        if len(shown) >= self._pieces.wish.previews or live.image in self._told:
            return b""
        try:
            number, preview = await self._gateway.preview(live.image)
        except Refusal:
            return b""  # there is none yet, or it is drawn by now
        if number in shown:
            return b""
        shown.append(number)
        image = next(image for image in self.batch.images if image.id == live.image)
        return self._pieces.partial(self.batch, image, preview, len(shown) - 1)
