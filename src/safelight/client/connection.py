"""How a server is asked: again while it may still answer, event by event, picture by picture."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import IO, Any, Final
from urllib.parse import urlsplit

import aiohttp

from safelight.client.answers import (
    PIECE,
    Fingerprint,
    object_in,
    problem_in,
    read_events,
    text_of,
)
from safelight.client.patience import PASSING, Patient
from safelight.client.records import LAST_EVENTS, Event, Json

HERE: Final = "http://127.0.0.1:8080"
NOTHING_FOLLOWS: Final = 204
SILENCE: Final = 45.0  # seconds; a stream says something at least every 15
STOOD: Final = 5.0  # seconds after which one that breaks is as good as one that told something


class Connection:
    """One server and the patience one has with it."""

    def __init__(self, url: str | None, key: str | None, timeout: float, patience: float) -> None:
        self.url = _address(os.environ.get("SAFELIGHT_URL") or HERE if url is None else url)
        key = _key(os.environ.get("SAFELIGHT_KEY", "") if key is None else key)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout = timeout
        self._patience = patience
        self._http: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def close(self) -> None:
        """Drop what is open; nothing can be asked afterwards."""
        self._closed = True
        if self._http is not None:
            await self._http.close()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        patience: float | None = None,
        welcome: int = 200,
        **options: Any,
    ) -> Json:
        """The JSON object of an answer, an empty one where there is none.

        `welcome` is a status that is no refusal here, whatever it means elsewhere.

        Raises:
            ProblemError: the server says no.
            NoServer: it says nothing.
        """
        patient = self._patient(patience)
        while True:
            try:
                async with self._answer(method, path, welcome, **options) as response:
                    return object_in(await text_of(response), response)
            except PASSING as error:
                await patient.bear(error)

    async def ask_all(self, path: str) -> list[Json]:
        """Every item of a list, page after page."""
        page = await self.ask("GET", path)
        items: list[Json] = list(page["data"])
        while page.get("next_cursor"):
            page = await self.ask("GET", path, params={"cursor": page["next_cursor"]})
            items += page["data"]
        return items

    async def follow(self, batch: str, after: int) -> AsyncGenerator[Event, None]:
        """A batch's events with a higher number, each once, over any number of connections.

        Ends after the last one, and when the batch has ended and nothing more is told of it.
        """
        patient = self._patient()
        while True:
            told: Event | None = None
            began: float | None = None
            try:
                async with self._stream(batch, after) as response:
                    if response.status == NOTHING_FOLLOWS:
                        return
                    began = time.monotonic()
                    async for event in read_events(response.content.iter_any()):
                        if _is_news(event, after):
                            told, after = event, event.number or after
                            yield event
                if told and told.type in LAST_EVENTS:
                    return
                raise ConnectionError("its streams break off")
            except PASSING as error:
                patient = self._patient() if told or self._stood(began) else patient
                await patient.bear(error)

    def _stood(self, began: float | None) -> bool:
        """Whether a stream was there long enough to say: the server is there, and what broke is
        only the line. In a long queue nothing may happen for hours."""
        enough = min(STOOD, self._patience)
        return began is not None and time.monotonic() - began >= enough

    async def bring(self, path: str, file: IO[bytes]) -> None:
        """The bytes of an answer into an open file, all of them and as they were sent."""
        patient = self._patient()
        while True:
            try:
                file.seek(0)
                file.truncate()
                async with self._answer("GET", path) as response:
                    fingerprint = Fingerprint(response)
                    async for piece in response.content.iter_chunked(PIECE):
                        fingerprint.add(piece)
                        file.write(piece)
                fingerprint.check()
                return
            except PASSING as error:
                await patient.bear(error)

    def _stream(
        self, batch: str, after: int
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        return self._answer("GET", f"{batch}/events", headers=headers, timeout=_idle(SILENCE))

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, welcome: int = 200, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        # Redirects are not followed: aiohttp would make a GET of an order.
        request = self._session().request(method, self.url + path, allow_redirects=False, **options)
        async with request as response:
            if response.status >= 300 and response.status != welcome:
                raise problem_in(await text_of(response), response)
            yield response

    def _session(self) -> aiohttp.ClientSession:
        """Made in the loop in which something is asked first, and bound to it."""
        if self._closed:
            raise RuntimeError("this client is closed")
        here = asyncio.get_running_loop()
        if self._loop is not None and self._loop is not here:
            raise RuntimeError("this client was used in another event loop; make one in each")
        if self._http is None:
            self._loop = here
            self._http = aiohttp.ClientSession(
                headers=self._headers,
                timeout=_idle(self._timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._http

    def _patient(self, seconds: float | None = None) -> Patient:
        return Patient(self.url, self._patience if seconds is None else seconds)


async def asked_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware: aiohttp would send a DELETE again by itself, and nobody would know that the
    first may have been done."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as lost:
        raise ConnectionError(str(lost)) from lost


def _is_news(event: Event, after: int) -> bool:
    """What has a number is told once; `reset` says that numbers before it mean nothing."""
    return event.number is None or event.type == "reset" or event.number > after


def _address(url: str) -> str:
    """The address without a slash at the end. Raises ValueError."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of the port, or of what stands between brackets
        raise ValueError(f'this is no address such as "{HERE}"') from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address holds no user and no password; give `key` instead")
    if not usable or parts.query or parts.fragment:
        raise ValueError(f'"{url}" is no address such as "{HERE}"')
    return url.rstrip("/")


def _key(text: str) -> str:
    """The key without what surrounds it in a file. Raises ValueError, which does not repeat it."""
    key = text.strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError("an API key has no spaces and no other characters than those of ASCII")
    return key


def _idle(seconds: float) -> aiohttp.ClientTimeout:
    """Any answer may take long, as long as it moves."""
    return aiohttp.ClientTimeout(total=None, sock_connect=min(seconds, 10.0), sock_read=seconds)
