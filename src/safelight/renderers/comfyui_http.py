"""Requests to one backend, and everything that can go wrong with them, in our words.

What only reads goes through a pool of kept connections; every POST gets one of its own, see
`comfyui_post`.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from safelight import wire
from safelight.renderers.comfyui_post import Shot, SingleShots

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_HEADERS = frozenset(
    ("accept-encoding", "connection", "content-length", "origin", "transfer-encoding", "upgrade")
)


class Unanswered(Exception):
    """There is no usable answer; `reason` is short, without addresses and secrets.

    `sent` is false when no connection came about, so that surely nothing has arrived. `reached` is
    true when something answered, but not as a ComfyUI does.
    """

    def __init__(self, reason: str, *, sent: bool = True, reached: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.reached = reached


class TooLarge(Unanswered):
    """The body is longer than the limit; the rest was not read."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    submit: float = 3.0  # for the answer to POST /prompt, connecting included
    answer: float = 5.0  # for any other small answer, and for the websocket to open
    fetch: float = 120.0  # for a whole picture
    stall: float = 10.0  # without a byte, while a picture comes
    cancel: float = 5.0  # until a cancelled prompt is gone
    reconnect: float = 0.25  # before the first reconnect of the websocket; then doubled ...
    reconnect_max: float = 5.0  # ... up to this
    heartbeat: float = 20.0  # between pings on the websocket


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP answer. The body of a GET or HEAD that failed is not read: empty."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """The HTTP side of one backend; every method raises `Unanswered`, never a foreign error."""

    def __init__(
        self, url: str, headers: Mapping[str, str], token: str | None, limit: int, wait: Patience
    ) -> None:
        self.base = _base(url)
        self._headers = _checked(headers, token)
        self._limit = limit
        self._wait = wait
        self._pooled: aiohttp.ClientSession | None = None
        self._single: aiohttp.ClientSession | None = None
        self._closed = False

    async def get_json(self, url: URL) -> Any:
        """The decoded body of a 200; anything else is `Unanswered`."""
        answer = await self.get(url)
        if answer.status != 200:
            raise Unanswered(f"HTTP {answer.status}")
        return decoded(answer.body)

    async def get(
        self,
        url: URL,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> Reply:
        """One request without effects, with at most `limit` bytes of body."""
        timeout = timeout or aiohttp.ClientTimeout(total=self._wait.answer)
        with translated():
            async with self._pool().request(
                method, url, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                body = b""
                if response.status < 300 and method != "HEAD":
                    body = await read(response, self._limit if limit is None else limit)
                return Reply(response.status, response.headers, body)

    async def post(self, url: URL, body: bytes, seconds: float) -> Reply:
        """One POST of JSON on a connection of its own, sent once, dropped by reset if given up."""
        timeout = aiohttp.ClientTimeout(total=seconds)
        with Shot() as shot:
            try:
                with translated():
                    return await self._post(url, body, timeout, shot)
            except Unanswered as trouble:
                trouble.sent = shot.connected
                raise

    async def websocket(self, client_id: str) -> aiohttp.ClientWebSocketResponse[bool]:
        """An open websocket under this client id. Its text frames come as bytes."""
        with translated():
            async with asyncio.timeout(self._wait.answer):
                return await self._pool().ws_connect(
                    (self.base / "ws").with_query({"clientId": client_id}),
                    heartbeat=self._wait.heartbeat,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                    max_msg_size=self._limit,
                    decode_text=False,
                )

    async def close(self) -> None:
        """Close all connections; requests under way and later ones are `Unanswered`."""
        self._closed = True
        for session in (self._pooled, self._single):
            if session is not None:
                await session.close()

    async def _post(
        self, url: URL, body: bytes, timeout: aiohttp.ClientTimeout, shot: Shot
    ) -> Reply:
        headers = {"Content-Type": "application/json"}
        async with self._lone().post(
            url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            shot.answered()
            return Reply(response.status, response.headers, await read(response, self._limit))

    def _pool(self) -> aiohttp.ClientSession:
        self._check_open()
        if self._pooled is None:
            self._pooled = self._session(aiohttp.TCPConnector(limit=32))
        return self._pooled

    def _lone(self) -> aiohttp.ClientSession:
        self._check_open()
        if self._single is None:
            self._single = self._session(SingleShots())
        return self._single

    def _check_open(self) -> None:
        if self._closed:
            raise Unanswered("closed", sent=False, reached=False)

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        # Nothing is unpacked: a small compressed answer could become any size.
        return aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=2**18,
        )


def decoded(body: bytes) -> Any:
    """The JSON value in `body`, or `Unanswered`."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    # A stranger's prompt may hold NaN or half a surrogate pair, which the server prints as they
    # are, and which only the lenient parser reads. /queue must stay readable then.
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        kind = "HTML" if body.lstrip()[:1] == b"<" else "something else"
        raise Unanswered(f"{kind} instead of JSON") from None


@contextmanager
def translated() -> Iterator[None]:
    """Turn the errors of sockets, TLS and aiohttp into `Unanswered`."""
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        raise Unanswered(wire.reason(error), reached=False) from None


async def read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, of which no more than `limit` bytes are ever held."""
    if (response.content_length or 0) > limit:
        raise TooLarge(f"more than {limit} bytes")
    body = io.BytesIO()  # getvalue() hands its buffer over: the bytes are held once
    async for chunk in response.content.iter_any():
        if body.tell() + len(chunk) > limit:
            raise TooLarge(f"more than {limit} bytes")
        body.write(chunk)
    return body.getvalue()


def unlike_a_file(headers: Mapping[str, str]) -> str | None:
    """Why a 200 with these headers is no file that came whole, if it is none."""
    if headers.get("Content-Type", "").lower().startswith("text/html"):
        return "HTML instead of a picture"
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        return "compressed on the way"
    chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
    # Then the end of the connection is the end of the file, whole or not.
    return None if chunked or "Content-Length" in headers else "no length was announced"


def _base(url: str) -> URL:
    base = URL(url)
    if base.scheme not in ("http", "https") or not base.host:
        raise ValueError("a backend's url begins with http:// or https:// and a host")
    if base.user or base.password or base.query_string or base.fragment:
        raise ValueError("a backend's url has no user, password, query or fragment: use headers")
    return base


def _checked(headers: Mapping[str, str], token: str | None) -> dict[str, str]:
    sent = {"User-Agent": "safelight", "Accept-Encoding": "identity"}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    for name, value in {**headers, **sent}.items():
        # The value may be a secret: only the name is told.
        if not _HEADER_NAME.fullmatch(name) or not value.isprintable():
            raise ValueError(f"header {name!r} cannot be sent")
    for name, value in headers.items():
        if name.lower() in _OWN_HEADERS:
            raise ValueError(f"header {name!r} is not yours to set")
        if token is not None and name.lower() == "authorization":
            raise ValueError("either a token or an Authorization header")
        sent[name] = value
    return sent
