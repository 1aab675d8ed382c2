"""Where a list or a stream goes on: opaque to clients, checked when it comes back."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from uuid import UUID

import msgspec

from safelight.core.errors import Invalid
from safelight.core.records import Batch
from safelight.pipeline.stream import Cursor


def cursor_of(batch: Batch) -> str:
    """Where the page behind this batch begins."""
    raw = msgspec.json.encode([batch.created_at.isoformat(), batch.id])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """When the last batch of the page before was created, and its id. Raises `Invalid`."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        created, id = msgspec.json.decode(raw, type=tuple[datetime, UUID])
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise Invalid("this is no cursor of ours", pointer="?cursor") from None
    if created.tzinfo is None:
        raise Invalid("this is no cursor of ours", pointer="?cursor")
    return created, str(id)


def position_text(position: Cursor) -> str:
    """The id of an event among those of all batches."""
    return f"{position[0]}-{position[1]}"


def read_position(text: str) -> Cursor:
    """Transaction and row that an event id names. Raises `Invalid`."""
    txid, _, id = text.partition("-")
    if not (txid.isascii() and txid.isdigit() and id.isascii() and id.isdigit()) or (
        int(txid) >= 2**63 or int(id) >= 2**63
    ):
        raise Invalid("this is no event id of ours", pointer="Last-Event-ID")
    return txid, int(id)
