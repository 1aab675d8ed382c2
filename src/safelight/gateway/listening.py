"""Listening: a stream of events, and the seat of whoever takes it."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Generic, TypeVar

from safelight.pipeline.hub import Seat

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
