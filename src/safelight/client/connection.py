"""How a server is asked: again while it may still answer, event by event, into a file."""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

import aiohttp

from safelight.client.errors import ClientError, NoServer, ProblemError
from safelight.client.records import LAST_EVENTS, Event, Json, event_from

COME_BACK: Final = frozenset({429, 502, 503, 504})
PASSING: Final = (ProblemError, aiohttp.ClientError, TimeoutError, ConnectionError)
NOTHING_FOLLOWS: Final = 204
SILENCE: Final = 45.0  # seconds; a stream says something at least every 15
PIECE: Final = 65_536  # bytes


class Connection:
    """One server and the patience one has with it."""

    def __init__(self, url: str, key: str | None, timeout: float, patience: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f'"{url}" is no address such as "http://127.0.0.1:8080"')
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout = timeout
        self._patience = patience

    async def open(self) -> None:
        """Inside a running loop, before anything is asked."""
        self._http = aiohttp.ClientSession(headers=self._headers, timeout=_idle(self._timeout))

    async def close(self) -> None:
        """Drop what is open."""
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
                    return _object(await response.text(), response)
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
            try:
                async with self._stream(batch, after) as response:
                    if response.status == NOTHING_FOLLOWS:
                        return
                    async for told in read_events(response.content.iter_any()):
                        after = told.number or after
                        yield told
                if told and told.type in LAST_EVENTS:
                    return
                raise ConnectionError("its streams break off")
            except PASSING as error:
                patient = self._patient() if told else patient
                await patient.bear(error)

    async def download(self, path: str, target: Path) -> None:
        """Write an answer to a file: whole or not at all."""
        patient = self._patient()
        while True:
            try:
                with _whole(target) as part:
                    async with self._answer("GET", path) as response:
                        async for piece in response.content.iter_chunked(PIECE):
                            part.write(piece)
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
        async with self._http.request(method, self.url + path, **options) as response:
            if response.status >= 400 and response.status != welcome:
                raise _problem(await response.text(errors="replace"), response)
            yield response

    def _patient(self, seconds: float | None = None) -> _Patient:
        return _Patient(self.url, self._patience if seconds is None else seconds)


class _Patient:
    """Bears what may pass, for so many seconds from the first failure on."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url = url
        self._seconds = seconds
        self._until: float | None = None
        self._pause = 0.1

    async def bear(self, error: Exception) -> None:
        """Wait a little, or raise what can be borne no longer."""
        now = time.monotonic()
        self._until = now + self._seconds if self._until is None else self._until
        self._pause = pause = min(self._pause * 2, 2.0)
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


async def read_events(pieces: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """Server-sent events, split by hand: a batch's JSON may be longer than a reader's line."""
    fields: dict[str, str] = {}
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            name, _, value = line.rstrip(b"\r").decode().partition(":")
            fields[name] = value.removeprefix(" ")
            if not name and not value:
                if "data" in fields:
                    yield _event(fields)
                fields = {}


def _event(fields: dict[str, str]) -> Event:
    raw = json.loads(fields["data"])
    if fields.get("event") == "problem":
        raise ProblemError(raw["status"], raw["code"], raw["detail"])
    return event_from(fields.get("event", "message"), raw)


def _object(text: str, response: aiohttp.ClientResponse) -> Json:
    try:
        answer = json.loads(text or "{}")
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return answer
    detail = f"{response.url} answers {response.content_type}, not ours; is this Safelight?"
    raise ProblemError(response.status, "unexpected-answer", detail)


def _problem(text: str, response: aiohttp.ClientResponse) -> ProblemError:
    status, wait = response.status, response.headers.get("Retry-After", "")
    retry_after = float(wait) if wait.isdecimal() else None
    try:
        raw = json.loads(text)
        code, detail = str(raw["code"]), str(raw.get("detail") or raw["title"])
    except (ValueError, KeyError, TypeError):
        detail = f"{response.url} answers {status} {response.reason}"
        return ProblemError(status, "unexpected-answer", detail, (), retry_after)
    return ProblemError(status, code, detail, tuple(raw.get("errors") or ()), retry_after)


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name when everything is written, and not before."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _idle(seconds: float) -> aiohttp.ClientTimeout:
    """Any answer may take long, as long as it moves."""
    return aiohttp.ClientTimeout(total=None, sock_connect=min(seconds, 10.0), sock_read=seconds)
