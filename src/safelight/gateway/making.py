"""Making pictures of pictures: in threads, and few at once, for decoded ones are large."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Final

_AT_ONCE: Final = 2


class Making:
    """Whoever is too many waits."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def of(
        self, read: Callable[[], Awaitable[bytes]], make: Callable[[bytes], bytes]
    ) -> bytes:
        """What `make` makes of what is read. Raises what they raise.

        A thread cannot be stopped: who goes meanwhile leaves the turn to it until it is done.
        """
        await self._turn.acquire()
        with ExitStack() as stack:
            stack.callback(self._turn.release)
            data = await read()
            making = asyncio.ensure_future(asyncio.to_thread(make, data))
            stack.pop_all()
            making.add_done_callback(self._done)
        return await asyncio.shield(making)

    def _done(self, making: asyncio.Future[bytes]) -> None:
        self._turn.release()
        if not making.cancelled():
            making.exception()  # seen, also where nobody waits any more
