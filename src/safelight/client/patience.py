"""How long a server that is away, or says "come back", is asked again."""

from __future__ import annotations

import asyncio
import os
import random
import time
from typing import Final

import aiohttp

from safelight.client.errors import ClientError, NoServer, ProblemError

COME_BACK: Final = frozenset({429, 502, 503, 504})
IN_DOUBT: Final = COME_BACK - {429}  # it may have been done all the same
PASSING: Final = (ProblemError, aiohttp.ClientError, TimeoutError, ConnectionError)
FIRST_PAUSE: Final = 0.2  # seconds
LONGEST_PAUSE: Final = 2.0  # seconds, unless the server asks for more


class Patient:
    """Bears what may pass, for so many seconds from the first failure on."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url = url
        self._seconds = seconds
        self._until: float | None = None
        self._pause = FIRST_PAUSE
        self._lost = False  # something was sent, and nobody knows what became of it

    async def bear(self, error: Exception) -> None:
        """Wait a little, or raise what can be borne no longer."""
        if isinstance(error, ProblemError):
            error.repeated = self._lost
        self._lost |= not isinstance(error, ProblemError) or error.status in IN_DOUBT
        now = time.monotonic()
        self._until = now + self._seconds if self._until is None else self._until
        # Those who lost the same server at the same moment do not come back at the same moment.
        pause = self._pause * random.uniform(0.5, 1.0)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        if isinstance(error, ProblemError):
            if error.status not in COME_BACK:
                raise error
            pause = max(pause, error.retry_after or 0.0)
        if now + pause <= self._until:
            await asyncio.sleep(pause)
        elif isinstance(error, ClientError):
            raise error
        else:
            raise NoServer(self._url, _reason(error)) from error


def _reason(error: Exception) -> str:
    """Without aiohttp's details of a connection, which repeat the address."""
    if isinstance(error, TimeoutError):
        return "not in time"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        return os.strerror(error.os_error.errno).lower()
    return str(error) or type(error).__name__
