"""Where a list or a stream goes on: opaque to clients, checked when it comes back."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from safelight.core.errors import Invalid
from safelight.core.records import Batch
from safelight.database.events import Cursor

_POSITION = re.compile(r"(?:([0-9a-f]{8})-)?([0-9]{1,19})-([0-9]{1,19})", re.ASCII)


def cursor_of(batch: Batch) -> str:
    """Where the page behind this batch begins."""
    return made_cursor(batch.created_at, batch.id)


def made_cursor(created_at: datetime, id: str) -> str:
    """Where the page behind what was made then under this id begins."""
    raw = msgspec.json.encode([created_at.isoformat(), id])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """When the last one of the page before was created, and its id. Raises `Invalid`."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        created, id = msgspec.json.decode(raw, type=tuple[datetime, UUID])
        if created.tzinfo is None:
            raise ValueError("a moment is one everywhere")
        # Just before the year 1, and just after 9999, is none that anybody can keep.
        return created.astimezone(UTC), str(id)
    except (binascii.Error, msgspec.DecodeError, ValueError, OverflowError):
        raise Invalid("this is no cursor of ours", pointer="?cursor") from None


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
