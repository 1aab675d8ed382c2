"""Requests to a publisher, and everything that can go wrong with them, in our words.

Bytes leave in pieces with their length announced, and a patience for each: a far side that takes
nothing for a minute is given up, one that is merely slow is not. Answers are small or not read.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import md5, sha256
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from yarl import URL

from safelight import wire
from safelight.publishers.base import Copy, Found

_ANSWER_MAX = 256 * 1024  # bytes; what is told of one picture is a thousandth of it


class Unanswered(Exception):
    """There is no usable answer; `reason` is short, without addresses and secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    connect: float = 10.0  # for a connection
    stall: float = 60.0  # for the next piece to be taken, or to come
    answer: float = 120.0  # for the whole answer, when all is sent


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Mapping[str, Any] | None:
        """The object in the body, if there is one."""
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


class Body(Payload):
    """A copy on its way, with what is put around it."""

    def __init__(
        self, copy: Copy, content_type: str, before: bytes = b"", after: bytes = b""
    ) -> None:
        super().__init__(copy, content_type=content_type)
        self._size = len(before) + copy.size + len(after)
        self._copy, self._before, self._after = copy, before, after
        self.moved: Callable[[], None] = lambda: None  # told before each piece
        self.sent: Callable[[], None] = lambda: None  # told after the last

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a picture is no text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """All of it, from the beginning; raises OSError when the copy is not as long as it said."""
        await writer.write(self._before)
        left = self._copy.size
        async for piece in self._copy.pieces():
            left -= len(piece)
            if left < 0:
                break
            self.moved()
            await writer.write(piece)
        if left:
            raise OSError("the copy has another size than it said")
        await writer.write(self._after)
        self.sent()


class Http:
    """The HTTP side of one publisher; every method raises `Unanswered`, never a foreign error."""

    def __init__(self, wait: Patience) -> None:
        self._wait = wait
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Body | bytes | None = None,
    ) -> Reply:
        """One request and its answer, redirects not followed."""
        with translated():
            async with asyncio.timeout(self._wait.answer) as left:
                if isinstance(body, Body):
                    body.moved = _patience(left, self._wait.stall)
                    body.sent = _patience(left, self._wait.answer)
                async with self._pool().request(
                    method,
                    URL(url, encoded=True),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                ) as response:
                    return await _reply(response)

    async def hashes(self, url: str, headers: Mapping[str, str]) -> Found | Reply:
        """Size and hashes of what lies there, read in pieces; or an answer that is not 200."""
        with translated():
            async with (
                asyncio.timeout(self._wait.answer) as left,
                self._pool().get(
                    URL(url, encoded=True), headers=headers, allow_redirects=False
                ) as response,
            ):
                if response.status != 200:
                    return await _reply(response)
                moved = _patience(left, self._wait.stall)
                size, hashed = 0, (md5(usedforsecurity=False), sha256())
                async for piece in response.content.iter_any():
                    moved()
                    size += len(piece)
                    for one in hashed:
                        one.update(piece)
                return Found(size, hashed[0].hexdigest(), hashed[1].hexdigest())

    async def close(self) -> None:
        """Close all connections; requests under way and later ones are `Unanswered`."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def _pool(self) -> aiohttp.ClientSession:
        if self._closed:
            raise Unanswered("closed")
        if self._session is None:
            # Nothing is unpacked: a small compressed answer could become any size.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                headers={"User-Agent": "safelight", "Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._wait.connect),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


@contextmanager
def translated() -> Iterator[None]:
    """Turn the errors of sockets, TLS and aiohttp into `Unanswered`."""
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        raise Unanswered(wire.reason(error)) from None


def _patience(left: asyncio.Timeout, seconds: float) -> Callable[[], None]:
    """A call after which there is this much time again."""
    loop = asyncio.get_running_loop()

    def again() -> None:
        if not left.expired():
            left.reschedule(loop.time() + seconds)

    return again


async def _reply(response: aiohttp.ClientResponse) -> Reply:
    if 300 <= response.status < 400:
        # Whoever leads elsewhere would be given the key.
        raise Unanswered(f"HTTP {response.status}: it leads elsewhere, which is not followed")
    body = io.BytesIO()
    async for piece in response.content.iter_any():
        if body.tell() + len(piece) > _ANSWER_MAX:
            raise Unanswered(f"an answer of more than {_ANSWER_MAX} bytes")
        body.write(piece)
    return Reply(response.status, response.headers, body.getvalue())


def is_html(reply: Reply) -> bool:
    """Whether something in between has answered, in a browser's language."""
    return reply.body.lstrip()[:1] == b"<" or "text/html" in reply.headers.get("Content-Type", "")


def plain_link(text: object) -> str | None:
    """An http(s) link that can be shown and followed; None for anything else."""
    if isinstance(text, str) and re.fullmatch(r"https?://[^\s\"'<>\\^`{|}\x00-\x1f\x7f]+", text):
        return text if text.isascii() and len(text) <= 2048 else None
    return None
