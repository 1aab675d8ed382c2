"""Names into addresses, in threads of their own.

A stranger's name server may take as long as it likes, and what waits for it cannot be stopped. So
nothing else of this process waits for the same threads, and its end does not wait for them.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

MOST: Final = 64
"""Names that may be looked up at once, those nobody waits for any more among them."""

Lookup = Callable[..., Sequence[Any]]  # socket.getaddrinfo


class Resolver(AbstractResolver):
    """As the machine resolves names; every call asks again."""

    def __init__(self, lookup: Lookup = socket.getaddrinfo) -> None:
        self._lookup = lookup
        self._room = asyncio.Semaphore(MOST)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of a name. Raises OSError."""
        await self._room.acquire()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Sequence[Any]] = loop.create_future()

        def told(answer: Sequence[Any] | OSError) -> None:
            self._room.release()
            if found.done():
                return
            if isinstance(answer, OSError):
                found.set_exception(answer)
            else:
                found.set_result(answer)

        def look() -> None:
            answer: Sequence[Any] | OSError
            try:
                answer = self._lookup(host, port, family, socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                answer = error if isinstance(error, OSError) else OSError("no name")
            with suppress(RuntimeError):  # everybody has gone home
                loop.call_soon_threadsafe(told, answer)

        threading.Thread(target=look, name=f"resolve {host}", daemon=True).start()
        return _results(host, port, await found)

    async def close(self) -> None:
        """Nothing is held that can be let go."""


def _results(host: str, port: int, found: Sequence[Any]) -> list[ResolveResult]:
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return [
        ResolveResult(
            hostname=host, host=address[0], port=port, family=family, proto=proto, flags=flags
        )
        for family, _, proto, _, address in found
    ]
