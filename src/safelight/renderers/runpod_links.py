"""Pictures that lie elsewhere: a link from a job's output, fetched without anything of ours.

The link is a stranger's word. It must not lead into our own network, and it is not told further:
whoever knows it may read the picture.
"""

from __future__ import annotations

import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from safelight.renderers.base import Answer, Fetched, Unfetched
from safelight.renderers.comfyui_http import (
    Patience,
    TooLarge,
    Unanswered,
    read,
    translated,
    unlike_a_file,
)

_REDIRECTS = 3
_MOVED = (301, 302, 303, 307, 308)
_LATER = (408, 425, 429)


class Forbidden(Unanswered):
    """The link leads where it must not, now and later."""


class Links:
    """Fetches linked pictures.

    `private` allows addresses that are not public: for an endpoint on this machine only.
    """

    def __init__(self, private: bool, patience: Patience) -> None:
        self._private = private
        self._wait = patience
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def fetch(self, link: str, limit: int) -> Answer:
        """The picture behind a link, at most `limit` bytes of it."""
        try:
            return await self._fetch(link, limit)
        except TooLarge as trouble:
            return Unfetched(trouble.reason, too_large=True)
        except Forbidden as trouble:
            return Unfetched(trouble.reason, gone=True)
        except Unanswered as trouble:
            return Unfetched(trouble.reason)

    async def close(self) -> None:
        """Let go of sockets."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def _fetch(self, link: str, limit: int) -> Answer:
        url = self._checked(link, None)
        for _ in range(_REDIRECTS + 1):
            answer = await self._get(url, limit)
            if not isinstance(answer, URL):
                return answer
            url = self._checked(str(answer), url)
        raise Forbidden("the picture's link leads in circles")

    async def _get(self, url: URL, limit: int) -> Answer | URL:
        with translated():
            try:
                return await self._answer(url, limit)
            except aiohttp.InvalidURL:  # 2130706433 for 127.0.0.1, and the like
                raise Forbidden("the picture's link is no address") from None

    async def _answer(self, url: URL, limit: int) -> Answer | URL:
        timeout = aiohttp.ClientTimeout(total=self._wait.fetch, sock_read=self._wait.stall)
        async with self._open().get(url, timeout=timeout, allow_redirects=False) as response:
            if response.status in _MOVED:
                return _moved(url, response.headers.get("Location", ""))
            if response.status != 200:
                # An expired signature is 403, and the link of a job never changes.
                clear = 400 <= response.status < 500 and response.status not in _LATER
                return Unfetched(f"HTTP {response.status} for the picture's link", gone=clear)
            if reason := unlike_a_file(response.headers):
                return Unfetched(reason)
            return Fetched(await read(response, limit))

    def _checked(self, link: str, earlier: URL | None) -> URL:
        try:
            url = URL(link)
        except ValueError:
            raise Forbidden("the picture's link is no address") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise Forbidden("the picture's link is no http(s) address")
        if earlier is not None and url.scheme != earlier.scheme:
            raise Forbidden("the picture's link leads to another scheme")
        if url.user or url.password:
            raise Forbidden("the picture's link has a user or password")
        if not self._private and not _may_be_public(url.host):
            raise Forbidden("the picture's link leads into a private network")
        return url

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise Unanswered("closed", sent=False)
        if self._session is None:
            resolver = None if self._private else _Public()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=8, resolver=resolver),
                headers={"User-Agent": "safelight", "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=2**18,
            )
        return self._session


class _Public(AbstractResolver):
    """Names, as they are resolved for the very connection that is made: never a private address."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        public = [one for one in found if _may_be_public(one["host"])]
        if not public:
            raise Forbidden("the picture's link leads into a private network")
        return public

    async def close(self) -> None:
        await self._inner.close()


def is_loopback(host: str) -> bool:
    """Whether a host is surely this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _may_be_public(host: str) -> bool:
    """Not for an address that is not; a name is judged when it is resolved."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return True
    return address.is_global and not address.is_multicast


def _moved(url: URL, location: str) -> URL:
    try:
        return url.join(URL(location))
    except ValueError:
        raise Forbidden("the picture's link is no address") from None
