"""Whether the client of a request is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive

_AGAIN = 1.0  # s; libraries lose a cancellation now and then


class Client:
    """Who waits for an answer; the request's body has been read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.gone = False

    async def served(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it as long as the client is there. Raises what the work raises."""
        doing = asyncio.create_task(work)
        leaving = asyncio.create_task(self._leave())
        try:
            await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                doing.result()
        finally:
            await _end(doing, leaving)

    async def is_there(self) -> bool:
        """Whether it has not gone, as far as anybody knows by now."""
        # What the server noticed meanwhile is told by a task that has to have its turn.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return not self.gone

    async def _leave(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True


async def _end(*tasks: asyncio.Task[None]) -> None:
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen
