"""One message, sent once: by POST, to an address that was checked for this very connection.

The URL is a stranger's wish and the answer a stranger's word. The name is resolved at every try and
the connection made to an address that may be used, or none is made; nothing is followed, no cookie
is kept, no proxy asked, and of the answer's body a little is read and forgotten.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from safelight.core.addresses import check_target, is_public
from safelight.core.errors import Invalid
from safelight.core.reporting import PATIENCE, Answered, Forbidden, Silent
from safelight.webhooks.resolving import Resolver

MOST_READ: Final = 65_536  # bytes of an answer's body
_LINGER: Final = 2.0  # s for that body; the status is all that counts
_PIECE: Final = 8_192
_INSIDE: Final = "the target's name leads into a private network"


class _Inside(Exception):
    """No address of the target may be used."""


class Messenger:
    """Sends messages; `allow_private` also to loopback and private networks.

    `patience` is how many seconds one message may take altogether.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        patience: float = PATIENCE,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._patience = patience
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> Answered | Silent | Forbidden:
        """Send it once; raises nothing but `asyncio.CancelledError`."""
        try:
            check_target(url, allow_private=self._allow_private)
        except Invalid as refusal:
            return Forbidden(refusal.detail)
        try:
            async with asyncio.timeout(self._patience):
                return await self._post(url, headers, body)
        except _Inside:
            return Forbidden(_INSIDE)
        except TimeoutError:
            return Silent(f"no answer within {self._patience:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Silent(_reason(error))

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        async with self._open().post(
            URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
        ) as response:
            answered = Answered(response.status, response.headers.get("Retry-After"))
            await _read_a_little(response)
            return answered

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            inner = self._resolver or Resolver()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=inner if self._allow_private else _Public(inner),
                    use_dns_cache=False,
                    force_close=True,
                    limit=0,  # how many there are at once is the pipeline's to decide
                ),
                timeout=aiohttp.ClientTimeout(total=self._patience),
                headers={"Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


class _Public(AbstractResolver):
    """Names as they are resolved for the very connection that is made: never an address inside."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if found and not public:
            raise _Inside
        return public

    async def close(self) -> None:
        await self._inner.close()


async def _read_a_little(response: aiohttp.ClientResponse) -> None:
    """So that the target does not find its answer cut off; what becomes of it changes nothing."""
    read = 0
    try:
        async with asyncio.timeout(_LINGER):
            while read < MOST_READ and (piece := await response.content.read(_PIECE)):
                read += len(piece)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
        pass


def _reason(error: Exception) -> str:
    """What went wrong, without the address: there may be a token in it."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "the target's name cannot be resolved"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return f"TLS: {_certificate(error)}"
        case aiohttp.ClientConnectorError(os_error=inner):
            # Its own text has the address in it.
            return f"no connection: {os.strerror(inner.errno) if inner.errno else 'unreachable'}"
        case aiohttp.ServerDisconnectedError() | ConnectionError():
            return "the connection was closed before an answer came"
        case aiohttp.InvalidURL():
            return "the URL cannot be used"
        case _:
            return f"the answer is not HTTP as we know it ({type(error).__name__})"


def _certificate(error: Exception) -> str:
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    if isinstance(inner, ssl.SSLCertVerificationError):
        return inner.verify_message
    return str(getattr(inner, "reason", None) or "no secure connection")
