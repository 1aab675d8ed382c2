"""Event streams: every event after a point, then live ones, as server-sent events.

Events have ids and are replayed from rows; progress has none, who comes late gets the latest. A
reader that reconnects sends the last id it saw and misses nothing.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from safelight.api import problems
from safelight.api.answers import moment, one_line
from safelight.api.auth import Still, still_of
from safelight.api.context import context_of
from safelight.api.headers import event_number
from safelight.api.links import Base, base_of, preview_url
from safelight.api.openapi import described, takes
from safelight.api.paths import uuid_or_unknown
from safelight.core.errors import DatabaseAway, SafelightError
from safelight.core.records import Event
from safelight.gateway import Listening, Live, Reset
from safelight.gateway.cursors import read_position

router = APIRouter(tags=["events"])
_Told: TypeAlias = Event | Live | Reset
_REMEMBERED: Final = 1_000  # events
_ASK_AGAIN: Final = 0.1  # s; with what is believed for a second, less than who revokes a key waits
_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}


@router.get(
    "/v1/batches/{id}/events",
    operation_id="batch_events",
    summary="Events of a batch",
    responses=described({200: "events"}, 204, "not-found", "invalid-request", "too-many-listeners"),
    openapi_extra=takes(headers=("Last-Event-ID",), query=("last_event_id",)),
)
async def batch_events(request: Request, id: str) -> Response:
    """Every event after Last-Event-ID, then live ones and progress; ends with the batch.

    Who has seen the last event of an ended batch gets 204, which tells an EventSource to stop.
    Begins with `reset`, and the batch as it is, where what came after the id cannot be told.
    """
    gateway = context_of(request).gateway
    after = event_number(_last_seen(request))
    batch = uuid_or_unknown(id, "batch")
    if await gateway.nothing_follows(batch, after):
        return Response(status_code=204, headers=_HEADERS)
    return _stream(request, lambda: gateway.events(batch, after))


@router.get(
    "/v1/events",
    operation_id="all_events",
    summary="Events of all batches",
    responses=described({200: "events"}, "invalid-request", "too-many-listeners"),
    openapi_extra=takes(headers=("Last-Event-ID",), query=("last_event_id",)),
)
async def all_events(request: Request) -> Response:
    """Every event after Last-Event-ID (left out: from now on), live ones and progress; never ends.

    Begins with `reset` where what came after the id cannot be told.
    """
    cursor = _last_seen(request)
    if cursor is not None:
        # The stream would find out as well, but only when the headers are gone.
        read_position(cursor)
    return _stream(request, lambda: context_of(request).gateway.all_events(cursor))


def _last_seen(request: Request) -> str | None:
    """The header wins: a browser that reconnects sends it beside the address it began with."""
    header = request.headers.get("last-event-id")
    return header or request.query_params.get("last_event_id") or None


class EventStream(StreamingResponse):
    """Closes what it streams also when nobody reads on: somebody may wait for the seat."""

    def __init__(self, told: Listening[Any], request: Request) -> None:
        self._told = told
        request_id, base = problems.request_id_of(request), base_of(request)
        body = stream(told, request_id, base, still_of(request))
        super().__init__(body, headers=_HEADERS, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer."""
        async with aclosing(self._told):
            await super().__call__(scope, receive, send)


def _stream(request: Request, listen: Callable[[], Listening[Any]]) -> Response:
    if request.scope["safelight.head"]:
        return Response(headers=_HEADERS, media_type="text/event-stream")
    return EventStream(listen(), request)


async def stream(
    told: AsyncIterator[_Told | tuple[str, Event | Reset | None] | None],
    request_id: str,
    base: Base,
    still: Still,
) -> AsyncIterator[bytes]:
    """What the gateway tells, as server-sent events, as long as whoever hears it still may.

    The headers are out by then, so trouble on the way is told as an event `problem`, after which
    the stream ends and the reader comes back.
    """
    yield b"retry: 1000\n\n"
    asked = time.monotonic()
    try:
        async for one in told:
            if time.monotonic() - asked >= _ASK_AGAIN:
                # A database that is away tells nobody anything: there is nothing to keep from them.
                with suppress(DatabaseAway):
                    await still()
                    asked = time.monotonic()
            yield _piece(one, base).encode()
    except SafelightError as error:
        content = bytes(problems.answer(error, request_id).body)
        yield b"event: problem\ndata: " + content + b"\n\n"


def _piece(one: _Told | tuple[str, Event | Reset | None] | None, base: Base) -> str:
    match one:
        case None:
            return ": ping\n\n"
        case Live():
            return _progress(one, base)
        case Event():
            return f"id: {one.number}\n{_lines.of(one)}"
        case Reset(_, batch):
            return _reset(one, str(batch.last_event) if batch else None)
        case (cursor, None):  # without data it is no event, but where the reader goes on
            return f": ping\nid: {cursor}\n\n"
        case (cursor, Reset() as reset):
            return _reset(reset, cursor)
        case (cursor, event):
            return f"id: {cursor}\n{_lines.of(event)}"


class _Lines:
    """What many hear is written once."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, int], tuple[Event, str]] = {}

    def of(self, event: Event) -> str:
        """An event without its id."""
        key = event.batch, event.number
        known, lines = self._written.get(key, (None, ""))
        if known is event:  # another record of it may say less: its user was erased
            return lines
        if len(self._written) >= _REMEMBERED:
            self._written.clear()
        lines = _event(event)
        self._written[key] = event, lines
        return lines


_lines: Final = _Lines()


def _event(event: Event) -> str:
    body: dict[str, Any] = {
        "type": event.type,
        "batch": event.batch,
        "number": event.number,
        "image": event.image,
        "at": moment(event.at),
        "data": dict(event.data),
    }
    return f"event: {event.type}\ndata: {one_line(body)}\n\n"


def _reset(reset: Reset, id: str | None) -> str:
    batch = reset.batch
    data: dict[str, Any] = {"reason": reset.reason}
    if batch:
        data["status"] = batch.status
        data["images"] = [
            {"id": image.id, "index": image.index, "status": image.status} for image in batch.images
        ]
    body = {
        "type": "reset",
        "batch": batch.id if batch else None,
        "number": batch.last_event if batch else None,
        "image": None,
        "at": moment(datetime.now(UTC)),
        "data": data,
    }
    return f"id: {id}\nevent: reset\ndata: {one_line(body)}\n\n"


def _progress(live: Live, base: Base) -> str:
    body = {
        "batch": live.batch,
        "image": live.image,
        "step": live.step,
        "steps": live.steps,
        "preview": preview_url(base, live.image, live.preview) if live.preview else None,
    }
    return f"event: progress\ndata: {one_line(body)}\n\n"
