"""A client that costs next to nothing: one kept connection, requests made beforehand.

The clients of the accept benchmark share the cores with the server, so what they burn the server
lacks. They send bytes that lie ready and cut answers by their Content-Length.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import msgspec


def post(url: str, body: object, key: str | None = None) -> bytes:
    """A whole POST of JSON as bytes, with an API key if there is one."""
    parts = urlsplit(url)
    content = msgspec.json.encode(body)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    )
    shown = f"Authorization: Bearer {key}\r\n" if key else ""
    return f"{head}{shown}\r\n".encode() + content


class RawConnection(asyncio.Protocol):
    """One request at a time: `answer = await connection.ask(request)`."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._asked: asyncio.Future[tuple[int, bytes]] | None = None

    @staticmethod
    async def open(url: str) -> RawConnection:
        """Connect to the host of a URL."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(
            RawConnection, parts.hostname or "", parts.port or 80
        )
        return protocol

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        assert self._transport is not None
        self._asked = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._asked

    def close(self) -> None:
        """Let go."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0 or self._asked is None:
            return
        at = self._buffer.lower().index(b"content-length:", 0, head) + len(b"content-length:")
        end = head + 4 + int(self._buffer[at : self._buffer.index(b"\r\n", at)])
        if len(self._buffer) >= end:
            answer = int(self._buffer[9:12]), bytes(self._buffer[head + 4 : end])
            self._buffer.clear()
            asked, self._asked = self._asked, None
            asked.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(ConnectionError("closed without an answer"))
