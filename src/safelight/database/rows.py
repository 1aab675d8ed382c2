"""From rows to records."""

from __future__ import annotations

from typing import Any

import msgspec

from safelight.core.records import (
    Attempt,
    Batch,
    Counters,
    Event,
    Image,
    ImageError,
    Lora,
    Plan,
    Publication,
    StoredFile,
)
from safelight.core.states import batch_status
from safelight.database.connection import Row


def json_text(value: object) -> str:
    """Compact JSON, for a jsonb parameter."""
    return msgspec.json.encode(value).decode()


def from_json(text: str | None) -> Any:
    """A jsonb column, None for null."""
    return None if text is None else msgspec.json.decode(text)


def plan_of(row: Row) -> Plan:
    """The frozen plan of a batch row."""
    fields = msgspec.json.decode(row["plan"])
    fields["loras"] = tuple(Lora(**lora) for lora in fields["loras"])
    fields["publishers"] = tuple(fields.get("publishers", ()))
    return Plan(**fields)


def batch_of(row: Row, images: list[Row], *, image_id: str = "id") -> Batch:
    """A batch with its images, which come highest index first."""
    counters = Counters(
        row["quantity"],
        row["stored"],
        row["failed"],
        row["canceled"],
        row["started_at"] is not None,
    )
    return Batch(
        id=str(row["id"]),
        user=row["user_id"],
        character=row["character_id"],
        prompt=row["prompt"],
        counters=counters,
        status=batch_status(counters),
        images=tuple(image_of(image, image_id) for image in images),
        pool=row["pool"],
        workflow=row["workflow"],
        metadata=from_json(row["metadata"]),
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        deadline=row["deadline"],
        last_event=row["last_event"],
        traceparent=row.get("traceparent"),
        parameters=from_json(row["parameters"]),
    )


def image_of(row: Row, id: str = "id") -> Image:
    """An image as its row says; `id` names the column of its id."""
    error = from_json(row["error"])
    return Image(
        id=str(row[id]),
        batch=str(row["batch_id"]),
        user=row["user_id"],
        character=row["character_id"],
        index=row["index"],
        seed=row["seed"],
        status=row["status"],
        seed_explicit=row["seed_explicit"],
        seed_replaced=row["seed_replaced"],
        file=None if row["key"] is None else file_of(row),
        error=ImageError(**error) if error else None,
        prompt_id=_text(row["prompt_id"]),
        backend=row["backend"],
        created_at=row["queued_at"],
        dispatched_at=row["dispatched_at"],
        finished_at=row["finished_at"],
        deleted_at=row["deleted_at"],
        starred_at=row["starred_at"],
        publications=tuple(Publication(**one) for one in from_json(row["publications"]) or ()),
    )


def file_of(row: Row) -> StoredFile:
    """The bytes of a stored image, as its row says."""
    return StoredFile(
        key=row["key"],
        bytes=row["bytes"],
        content_type=row["content_type"],
        width=row["width"],
        height=row["height"],
        sha256=row["sha256"],
        pixels_sha256=row["pixels_sha256"],
    )


def attempt_of(row: Row) -> Attempt:
    """An attempt as its row says."""
    return Attempt(
        prompt_id=str(row["prompt_id"]),
        image=str(row["image_id"]),
        backend=row["backend"],
        epoch=row["epoch"],
        slot=row["slot"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        outcome=row["outcome"],
    )


def event_of(row: Row) -> Event:
    """An event as its row says."""
    return Event(
        batch=str(row["batch_id"]),
        number=row["number"],
        type=row["type"],
        image=_text(row["image_id"]),
        data=from_json(row["data"]),
        at=row["at"],
    )


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)
