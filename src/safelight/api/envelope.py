"""What every request passes before a route sees it, and every answer on the way out.

A plain ASGI wrapper: a request id, the size of the body, a Host that may stand in links, no writes
for pages of other origins, HEAD answered like GET without a body, and the one place where a fault
of ours becomes an answer.
"""

from __future__ import annotations

import uuid
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from safelight.api import problems
from safelight.api.auth import SESSION_PATH
from safelight.api.dialects import dialect_of
from safelight.api.headers import usable_host
from safelight.core.errors import SafelightError, TooLarge

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Answered without a look at the body, however long it is.
_UNREAD: Final = frozenset({"/openai/v1/images/edits"})
# What a stranger may send costs time before anybody knows who it is.
_SHORT: Final = {SESSION_PATH: 4_096}  # bytes
_log = structlog.get_logger(__name__)


class BrokenOff(Exception):
    """An answer that has begun and cannot be gone on with: its connection ends before its length is
    reached, so that nobody takes it for a whole one."""


class Envelope:
    """Wraps the application; see the module."""

    def __init__(self, app: ASGIApp, *, max_body: int, public_url: str | None) -> None:
        self._app = app
        self._max_body = max_body
        self._public_host = urlsplit(public_url).netloc if public_url else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = str(uuid.uuid4())
        structlog.contextvars.bind_contextvars(request_id=request_id)
        outer = _Answer(send, request_id, bodyless=scope["method"] == "HEAD")
        inner = {**scope, "safelight.request_id": request_id, "safelight.head": outer.bodyless}
        speaking = dialect_of(scope["path"])
        if outer.bodyless:
            inner["method"] = "GET"
        try:
            self._check(scope)
            await self._app(inner, _Counted(receive, self._most(scope)), outer)
        except SafelightError as error:
            await speaking.answer(error, request_id)(scope, receive, outer)
        except (ClientDisconnect, BrokenOff):
            return
        except Exception:  # noqa: BLE001 - here a fault of ours becomes an answer
            _log.exception("request failed", request_id=request_id, path=scope["path"])
            if not outer.started:
                await speaking.internal_error(request_id)(scope, receive, outer)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if not usable_host(hosts) and (hosts or scope["http_version"] != "1.0"):
            raise problems.BadHost("Send one Host header: a host name or address, perhaps a port.")
        if scope["method"] not in _READING:
            self._check_origin(headers)
        length = headers.get("content-length", "")
        if scope["path"] in _UNREAD:
            return
        if length.isdecimal() and int(length) > (most := self._most(scope)):
            raise _too_large(most)

    def _most(self, scope: Scope) -> int:
        return min(self._max_body, _SHORT.get(scope["path"], self._max_body))

    def _check_origin(self, headers: Headers) -> None:
        """Whoever can open a page in the operator's browser must not be able to order."""
        origin = headers.get("origin")
        if origin is None:
            return
        try:
            page = urlsplit(origin).netloc
        except ValueError:
            page = ""
        if not page or page not in (headers.get("host"), self._public_host):
            raise problems.CrossOrigin(f"This request was sent for a page of {origin[:200]}.")


class _Counted:
    """A receive that stops at the limit, for bodies that do not say how long they are."""

    def __init__(self, receive: Receive, max_body: int) -> None:
        self._receive = receive
        self._max_body = max_body
        self._left = max_body

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _too_large(self._max_body)
        return message


class _Answer:
    """A send that names the request in every answer and drops the body of an answer to HEAD."""

    def __init__(self, send: Send, request_id: str, *, bodyless: bool) -> None:
        self._send = send
        self._request_id = request_id
        self.bodyless = bodyless
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            MutableHeaders(scope=message)["x-request-id"] = self._request_id
        elif self.bodyless and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def _too_large(max_body: int) -> TooLarge:
    return TooLarge(f"A request body may have {max_body} bytes at most.")
