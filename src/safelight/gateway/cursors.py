"""Where a list or a stream goes on: opaque to clients, checked when it comes back."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from safelight.core.errors import Invalid
from safelight.core.naming import ID_PATTERN, USER_PATTERN
from safelight.core.records import Batch, ListedSeries
from safelight.core.reporting import Delivery
from safelight.database.events import Cursor

_POSITION = re.compile(r"(?:([0-9a-f]{8})-)?([0-9]{1,19})-([0-9]{1,19})", re.ASCII)


def cursor_of(one: Batch | Delivery) -> str:
    """Where the page behind this one begins."""
    return _written(one.created_at, one.id)


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """When the last one of the page before was created, and its id. Raises `Invalid`."""
    with _refusing():
        created, id = msgspec.json.decode(_raw(cursor), type=tuple[datetime, UUID])
        return _moment(created), str(id)


def series_cursor(series: ListedSeries) -> str:
    """Where the page behind this series begins."""
    return _written(series.ordered_at, series.user, series.character)


def read_series_cursor(cursor: str) -> tuple[datetime, str, str]:
    """When the last one of the page before was ordered from, its user and its character. Raises
    `Invalid`."""
    with _refusing():
        ordered, user, character = msgspec.json.decode(_raw(cursor), type=tuple[datetime, str, str])
        if not (re.fullmatch(USER_PATTERN, user) and re.fullmatch(ID_PATTERN, character)):
            raise ValueError("these are no ids")
        return _moment(ordered), user, character


def position_text(position: Cursor) -> str:
    """The id of an event among those of all batches."""
    return f"{position.life}-{position.txid}-{position.id}"


def read_position(text: str) -> Cursor:
    """The place that an event id names. Raises `Invalid`.

    Before lives were told apart, ids did without: what they name is told anew.
    """
    match = _POSITION.fullmatch(text)
    if match is None or int(match[2]) >= 2**63 or int(match[3]) >= 2**63:
        raise Invalid("this is no event id of ours", pointer="Last-Event-ID")
    return Cursor(match[1] or "", match[2], int(match[3]))


def _written(moment: datetime, *ids: str) -> str:
    raw = msgspec.json.encode([moment.isoformat(), *ids])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _raw(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def _moment(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a moment is one everywhere")
    # Just before the year 1, and just after 9999, is none that anybody can keep.
    return at.astimezone(UTC)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (binascii.Error, msgspec.DecodeError, ValueError, OverflowError):
        raise Invalid("this is no cursor of ours", pointer="?cursor") from None
