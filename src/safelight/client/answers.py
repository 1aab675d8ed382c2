"""What a server's bytes mean: JSON, problems, events. Nothing of it is trusted to be ours."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from safelight.client.errors import ProblemError, UnexpectedAnswer, WrongField, class_for
from safelight.client.records import Event, Json, event_from

PIECE: Final = 65_536  # bytes
LARGEST: Final = 64 * 1024 * 1024  # bytes of JSON; a batch has a thousandth of that
WORDS: Final = 2_000  # characters of a detail
_TAG: Final = re.compile(r'"sha256-([0-9a-f]{64})"')


async def text_of(response: aiohttp.ClientResponse) -> str:
    """The body of an answer that is to be JSON."""
    content = bytearray()
    async for piece in response.content.iter_chunked(PIECE):
        content += piece
        if len(content) > LARGEST:
            raise UnexpectedAnswer(response.status, f"{response.url} answers without an end")
    return content.decode("utf-8", "replace")


def object_in(text: str, response: aiohttp.ClientResponse) -> Json:
    """The JSON object of an answer, an empty one where there is none."""
    try:
        answer = json.loads(text or "{}")
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        return answer
    detail = f"{response.url} answers {response.content_type}, not ours; is this Safelight?"
    raise UnexpectedAnswer(response.status, detail)


def problem_in(text: str, response: aiohttp.ClientResponse) -> ProblemError:
    """What an answer that is no yes says."""
    status, retry_after = response.status, seconds_in(response.headers.get("Retry-After", ""))
    request_id = response.headers.get("X-Request-Id")
    if status < 400:
        return UnexpectedAnswer(status, _moved(response), None, request_id)
    try:
        raw = json.loads(text)
        code, detail = str(raw["code"]), str(raw.get("detail") or raw["title"])
        errors = tuple(_wrong_field(each) for each in raw.get("errors") or ())
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        detail = f"{response.url} answers {status} {response.reason}"
        return UnexpectedAnswer(status, detail, retry_after, request_id)
    kind = class_for(status)
    return kind(status, code, detail[:WORDS], errors, retry_after, request_id)


def seconds_in(retry_after: str) -> float | None:
    """How long a server wants to be left alone: seconds, or a date.

    Example:
        >>> seconds_in("2.5")
        2.5
    """
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", retry_after.strip()):
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


class Fingerprint:
    """Whether the bytes of a picture are those that the answer's tag names."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        tag = _TAG.fullmatch(response.headers.get("ETag", ""))
        self._promised = tag[1] if tag else None  # a proxy may have taken it away
        self._hash = hashlib.sha256()

    def add(self, piece: bytes) -> None:
        """The next bytes."""
        self._hash.update(piece)

    def check(self) -> None:
        """Raises ConnectionError: something on the way has changed them."""
        if self._promised not in (None, self._hash.hexdigest()):
            raise ConnectionError("what arrives is not what was sent")


async def read_events(pieces: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """Server-sent events, split by hand: a batch's JSON may be longer than a reader's line.

    Half an event at the end of a broken stream is none.
    """
    fields: dict[str, str] = {}
    async for line in _lines(pieces):
        name, _, value = line.rstrip(b"\r").decode("utf-8", "replace").partition(":")
        fields[name] = value.removeprefix(" ")
        if not name and not value:
            if "data" in fields:
                yield _event(fields)
            fields = {}


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    begun: list[bytes] = []
    length = 0
    async for piece in pieces:
        *ends, rest = piece.split(b"\n")
        for end in ends:
            yield b"".join([*begun, end])
            begun, length = [], 0
        begun.append(rest)
        length += len(rest)
        if length > LARGEST:
            raise UnexpectedAnswer(200, "a line of a stream of events has no end")


def _event(fields: dict[str, str]) -> Event:
    try:
        raw = json.loads(fields["data"])
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise UnexpectedAnswer(200, "a stream of events tells something that is no event")
    if fields.get("event") == "problem":
        raise _problem_on_the_way(raw)
    return event_from(fields.get("event", "message"), raw)


def _problem_on_the_way(raw: Json) -> ProblemError:
    try:
        status = int(raw["status"])
        request_id = raw.get("request_id")
        return class_for(status)(
            status, str(raw["code"]), str(raw["detail"])[:WORDS], request_id=request_id
        )
    except (KeyError, TypeError, ValueError):
        return UnexpectedAnswer(200, "a stream of events tells of a problem without a name")


def _wrong_field(raw: Any) -> WrongField:
    return WrongField(str(raw.get("pointer", "")), str(raw["detail"]), str(raw.get("code", "")))


def _moved(response: aiohttp.ClientResponse) -> str:
    """Where to is told, and not followed: the key is meant for the address one was given."""
    try:
        there = urlsplit(response.headers.get("Location", ""))
    except ValueError:
        there = urlsplit("")
    place = f", to {there.scheme}://{there.netloc.rpartition('@')[2]}" if there.netloc else ""
    return f"{response.url} answers {response.status} and leads elsewhere{place[:WORDS]}"
