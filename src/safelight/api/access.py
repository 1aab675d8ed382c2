"""What was asked, and what came of it: a line in the log and a measurement for every request.

The outermost wrapper: it sees what the client sees. Of the address only the path is told, never the
query, where signatures stand; of whoever asks only the id of their key.
"""

from __future__ import annotations

from time import perf_counter
from typing import Final, Protocol

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from safelight.api.asked import IN_SCOPE, Asked
from safelight.api.auth import OPEN
from safelight.api.page import STATIC
from safelight.core.traceparent import read_traceparent

_LEFT: Final = 499  # the client did, before it was answered
_QUIET: Final = OPEN | {"/metrics"}  # asked by machines, every few seconds
_PATH_MAX: Final = 300  # characters

log = structlog.get_logger(__name__)


class Watcher(Protocol):
    """Whoever measures."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is its template."""

    def listening(self, more: int) -> None:
        """So many more (or fewer) listen to events."""


class Access:
    """Wraps the application; see the module."""

    def __init__(self, app: ASGIApp, *, watcher: Watcher | None) -> None:
        self._app = app
        self._watcher = watcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        structlog.contextvars.clear_contextvars()
        caller = read_traceparent(Headers(scope=scope).get("traceparent"))
        if caller:
            structlog.contextvars.bind_contextvars(trace_id=caller.trace)
        asked, answer = Asked(), _Answer(send, self._watcher)
        try:
            await self._app({**scope, IN_SCOPE: asked}, receive, answer.send)
        finally:
            self._tell(scope, asked, answer)

    def _tell(self, scope: Scope, asked: Asked, answer: _Answer) -> None:
        seconds = perf_counter() - answer.began
        if self._watcher:
            if answer.streams:
                self._watcher.listening(-1)
            measured = answer.until_stream if answer.streams else seconds
            self._watcher.answered(scope["method"], asked.route, answer.status, measured)
        quiet = scope["path"] in _QUIET or (asked.route == STATIC and answer.status < 400)
        write = log.debug if quiet else log.info
        write(
            "request",
            method=scope["method"],
            path=_path(scope),
            route=asked.route,
            status=answer.status,
            dur_ms=round(seconds * 1000, 1),
            key=asked.key,
        )


class _Answer:
    """A send that remembers what was answered."""

    def __init__(self, send: Send, watcher: Watcher | None) -> None:
        self._send = send
        self._watcher = watcher
        self.began = perf_counter()
        self.status = _LEFT
        self.streams = False  # events, for as long as somebody listens
        self.until_stream = 0.0  # s

    async def send(self, message: Message) -> None:
        """Pass it on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kind = Headers(raw=message.get("headers", [])).get("content-type", "")
            if kind.startswith("text/event-stream") and self._watcher:
                self.streams, self.until_stream = True, perf_counter() - self.began
                self._watcher.listening(1)
        await self._send(message)


def _path(scope: Scope) -> str:
    """As it was sent, so that nothing in it can steer a terminal."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("ascii", "backslashreplace")[:_PATH_MAX]
