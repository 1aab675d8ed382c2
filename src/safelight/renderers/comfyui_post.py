"""A connection for one POST, dropped by reset when it is given up.

A request that nobody waits for any more must not be delivered later, when a cut cable or a frozen
server comes back. That takes three things: the transport is aborted (closing it would first flush
what Python still holds), SO_LINGER 0 makes the kernel forget what it still holds (also when this
process is killed), and TCP_USER_TIMEOUT ends the kernel's own tries.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

_USER_TIMEOUT = 5_000  # milliseconds
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_FLUSH_ON_CLOSE = struct.pack("ii", 0, 0)

_current: ContextVar[Shot] = ContextVar("_current")


class Shot:
    """One POST: `with Shot() as shot`, then ask a session whose connector is `SingleShots`.

    What has not been `answered()` by the end of the block is dropped by reset.
    """

    def __init__(self) -> None:
        self.connected = False  # before that, nothing of the request was sent
        self._transport: asyncio.Transport | None = None
        self._answered = False
        self._outer: Token[Shot] | None = None

    def connect(self, transport: asyncio.Transport | None) -> None:
        """Its connection came about; None if it is gone already."""
        self.connected = True
        self._transport = transport

    def answered(self) -> None:
        """From now on close politely: a peer that sees a reset may log it as an error."""
        self._answered = True
        if self._transport is not None:
            raw = self._transport.get_extra_info("socket")
            with suppress(OSError):  # the peer was faster, and it is closed
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _FLUSH_ON_CLOSE)

    def __enter__(self) -> Shot:
        self._outer = _current.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._outer is not None:
            _current.reset(self._outer)
        if self._transport is not None and not self._answered:
            self._transport.abort()


class SingleShots(aiohttp.TCPConnector):
    """Connections for one request each, each made known to the `Shot` it serves."""

    def __init__(self) -> None:
        super().__init__(force_close=True, limit=0, socket_factory=_short_lived)

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        _current.get().connect(connection.transport)
        return connection


def _short_lived(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT)
    return made
