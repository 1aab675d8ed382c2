"""Listening: a stream of events, and the seat of whoever takes it."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Generic, TypeVar

from safelight.core.rights import Rights
from safelight.database.events import Cursor
from safelight.database.progress import Progress
from safelight.gateway.cursors import position_text
from safelight.gateway.views import Live, Told, ToldOfAll
from safelight.pipeline import stream
from safelight.pipeline.hub import Hub, Seat

T = TypeVar("T")


class Listening(AsyncIterator[T], Generic[T]):
    """What is told, one after the other. The seat, if it is this one's, is free again when this is
    closed or forgotten, also if nobody ever asked for the first."""

    def __init__(self, seat: Seat | None, told: AsyncGenerator[T, None]) -> None:
        self._told = told
        self._give_back = weakref.finalize(self, seat.give_back) if seat else None

    async def __anext__(self) -> T:
        return await anext(self._told)

    async def aclose(self) -> None:
        """Listen no more."""
        if self._give_back:
            self._give_back()
        await self._told.aclose()


async def told_of_batch(
    hub: Hub, batch: str, after: int, *, previews: bool
) -> AsyncGenerator[Told | None, None]:
    """What is told of one batch."""
    async with aclosing(stream.of_batch(hub, batch, after, previews=previews)) as heard:
        async for one in heard:
            yield _live(one) if isinstance(one, Progress) else one


async def told_of_all(
    hub: Hub, after: Cursor | None, rights: Rights
) -> AsyncGenerator[ToldOfAll, None]:
    """What is told of all batches that these rights reach."""
    async with aclosing(stream.of_all(hub, after, rights)) as heard:
        async for one in heard:
            if isinstance(one, Progress):
                yield _live(one)
            else:
                cursor, told = one
                yield position_text(cursor), told


def _live(one: Progress) -> Live:
    return Live(one.batch, one.image, one.step, one.steps, one.preview)
