"""Request headers and what they mean: pure functions, lenient where the standards are."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from safelight.core.errors import Invalid
from safelight.core.quotas import Quota
from safelight.core.traceparent import read_traceparent

MAX_WAIT: Final = 600  # seconds
_LAST_EVENT: Final = 2**31 - 1  # what the column holds
_PREFERENCE: Final = re.compile(r"""\s*wait\s*=\s*(?:"(\d{1,9})"|(\d{1,9}))\s*(?:;.*)?""", re.I)
# Possessive: a header of nothing but blanks must not be tried in every way of dividing them.
_RANGE: Final = re.compile(r"bytes\s*+=\s*+(\d{0,18})\s*+-\s*+(\d{0,18})\s*+")
_NO_WEIGHT: Final = re.compile(r"q=0(?:\.0{0,3})?")
_HOST: Final = re.compile(
    r"(?:\[([0-9A-Fa-f:.]{2,45})\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}))(?::([0-9]{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes start..end, end excluded."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """The range begins behind the last byte."""


def idempotency_key(value: str | None) -> str | None:
    """The key, bare or as a Structured-Field string.

    Raises:
        Invalid: empty, longer than 255 characters, or not printable ASCII.

    Example:
        >>> idempotency_key('"order 7"') == idempotency_key("order 7")
        True
    """
    if value is None:
        return None
    key = value.strip(" \t")
    quoted = re.fullmatch(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"', key)
    if quoted:
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    if not re.fullmatch(r"[\x20-\x7e]{1,255}", key):
        raise Invalid(
            "expected 1 to 255 printable ASCII characters",
            pointer="Idempotency-Key",
            code="bad-idempotency-key",
        )
    return key


def preferred_wait(values: list[str]) -> int | None:
    """Seconds a client is ready to wait, at most 600; what cannot be read is no preference.

    Example:
        >>> preferred_wait(["respond-async, wait=10"])
        10
    """
    for preference in ",".join(values).split(","):
        match = _PREFERENCE.fullmatch(preference)
        if match:
            return min(int(match[1] or match[2]), MAX_WAIT)
    return None


def byte_range(value: str | None, size: int) -> Span | None:
    """The one range asked for; None for none, for several and for what cannot be read.

    Raises:
        Unsatisfiable: it has no byte of a file of this size.

    Example:
        >>> byte_range("bytes=-10", 100)
        Span(start=90, end=100)
    """
    match = _RANGE.fullmatch(value.strip()) if value else None
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        if not length:
            raise Unsatisfiable
        return Span(size - length, size)
    start = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return Span(start, min(last + 1, size))


def names_tag(value: str | None, tag: str) -> bool:
    """Whether an `If-None-Match` names this entity tag; weak comparison, as it asks for.

    Example:
        >>> names_tag('"a", W/"b"', '"b"')
        True
    """
    if not value:
        return False
    if value.strip() == "*":
        return True
    return tag in re.findall(r'"[^"]*"', value)


def accepts_gzip(values: Sequence[str]) -> bool:
    """Whether an `Accept-Encoding` takes gzip; none takes what is not packed.

    Example:
        >>> accepts_gzip(["br, gzip;q=0.5"]), accepts_gzip(["gzip;q=0, *"]), accepts_gzip([])
        (True, False, False)
    """
    weights: dict[str, bool] = {}
    for entry in ",".join(values).lower().split(","):
        coding, _, weight = (part.strip() for part in entry.partition(";"))
        weights[coding] = _NO_WEIGHT.fullmatch(weight) is None
    return weights.get("gzip", weights.get("*", False))


def still_that(value: str | None, tag: str) -> bool:
    """Whether an `If-Range` allows a part: none given, or exactly this strong tag."""
    return value is None or value.strip() == tag


def usable_host(values: list[str]) -> bool:
    """Whether the Host header is one plain host with an optional port: we put it into links."""
    if len(values) != 1:
        return False
    match = _HOST.fullmatch(values[0])
    if match is None or not 0 < int(match[2] or 1) < 65_536:
        return False
    return match[1] is None or _is_address(match[1])


def cookie(values: Sequence[str], name: str) -> str | None:
    """The cookie of this name as it was sent, nothing in it unquoted; of several the first, which
    a browser sends for the longest path.

    Example:
        >>> cookie(["a=1; b=2", "b=3"], "b")
        '2'
    """
    for pair in ";".join(values).split(";"):
        known, equals, value = pair.partition("=")
        if equals and known.strip() == name:
            return value.strip()
    return None


def event_number(value: str | None) -> int:
    """A Last-Event-ID of a batch's stream; none and an empty one mean from the beginning, one that
    is larger than any can be is as good as the largest.

    Raises:
        Invalid: it is no number of an event.
    """
    if not value:
        return 0
    if not re.fullmatch(r"\d{1,18}", value) or not value.isascii():
        raise Invalid("expected the number of an event", pointer="Last-Event-ID")
    return min(int(value), _LAST_EVENT)


def rate_limits(quotas: Sequence[Quota]) -> dict[str, str]:
    """What is left of quotas, as draft-ietf-httpapi-ratelimit-headers-10 has it; none, no headers.

    Example:
        >>> rate_limits([Quota("batches", most=60, window=60, used=48, counted=1, resets=29.2)])
        {'ratelimit-policy': '"batches";q=60;w=60', 'ratelimit': '"batches";r=12;t=30'}
    """
    if not quotas:
        return {}
    left = [f'"{one.name}";r={one.left};t={max(0, math.ceil(one.resets))}' for one in quotas]
    return {
        "ratelimit-policy": ", ".join(
            f'"{one.name}";q={one.most};w={one.window}' for one in quotas
        ),
        "ratelimit": ", ".join(left),
    }


def traceresponse(made: str | None, caller: str | None) -> dict[str, str]:
    """Where an order is traced, as W3C has it: only a span of ours, not the caller's handed on.

    Example:
        >>> traceresponse(None, "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
        {}
    """
    if made is None or read_traceparent(made) == read_traceparent(caller):
        return {}
    return {"traceresponse": made}


def _is_address(text: str) -> bool:
    """What an address of IPv6 is made of can be something else: a link with it could be no link."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
