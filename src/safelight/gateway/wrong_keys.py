"""How many wrong keys came from an address lately.

Nobody guesses a key of 190 bits, so this does not guard the keys: it makes a client that was left
with a dead one come back seldom, and tells the operator that somebody tries. A right key is never
refused for wrong ones that came from the same address: behind a proxy all come from one.
"""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from typing import Final

import structlog

from safelight.core.errors import TooMany

ALLOWED: Final = 30
"""Wrong keys from one address in a window that are answered 401."""
WINDOW: Final = 60.0  # s
_MOST: Final = 10_000  # addresses remembered

log = structlog.get_logger()


@dataclass(slots=True)
class _Window:
    ends: float  # loop time
    wrong: int = 0


class WrongKeys:
    """Counts them, in this process."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def note(self, address: str) -> None:
        """One more from this address. Raises `TooMany` beyond those allowed."""
        now = asyncio.get_running_loop().time()
        network = _network(address)
        window = self._windows.get(network)
        if window is None or window.ends <= now:
            if len(self._windows) >= _MOST:
                self._windows.clear()
            window = self._windows[network] = _Window(now + WINDOW)
        window.wrong += 1
        if window.wrong == ALLOWED + 1:
            log.warning("many wrong API keys", address=network)
        if window.wrong > ALLOWED:
            refusal = TooMany("too many wrong API keys came from here", code="too-many-wrong-keys")
            refusal.retry_after = window.ends - now
            raise refusal


def _network(address: str) -> str:
    """Who has one address of IPv6 has the 2^64 beside it, too; what is none is nobody's."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    # As a socket for both kinds of addresses has it.
    found = getattr(found, "ipv4_mapped", None) or found
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))
