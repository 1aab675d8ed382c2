"""What comes back: the JSON of the API as frozen records; `raw` is the JSON as it came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

ENDED: Final = frozenset({"completed", "partial", "canceled", "failed"})
LAST_EVENTS: Final = frozenset(f"batch.{status}" for status in ENDED)


@dataclass(frozen=True, slots=True)
class Image:
    """One numbered member of a batch."""

    id: str
    index: int
    name: str  # of the file: demo_mira_image_00004_.png
    status: str  # queued | dispatched | stored | failed | canceled
    seed: int
    url: str
    thumbnail_url: str
    publications: tuple[Json, ...]  # {publisher, status, url}
    error: Json | None  # {code, detail} of a failed one
    eta: str | None  # RFC 3339; when it will be stored, None where nothing is known
    place: int | None  # in its pool's line, 1 is next; None when not queued
    deleted_at: str | None  # RFC 3339; since then there is no file
    raw: Json = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """One request for `quantity` images; images, indices and urls are highest index first."""

    id: str
    user: str
    character: str
    quantity: int
    status: str  # queued | running | completed | partial | canceled | failed
    indices: tuple[int, ...]
    images: tuple[Image, ...]
    urls: tuple[str, ...]
    last_event: int  # number of the newest event
    created_at: str  # RFC 3339
    ended_at: str | None
    deadline: str  # what is not stored by then fails
    eta: str | None  # when all will be stored, None where that is not known
    raw: Json = field(repr=False, compare=False)

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a list, newest first; `next_cursor` leads to the rest."""

    data: tuple[Batch, ...]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a batch, in order; `progress` is live only and has no number."""

    number: int | None
    type: str  # image.stored, batch.completed, progress, ...
    batch: str
    image: str | None  # its id
    data: Json  # {index, seed}, {index, error}, {step, steps}, ...


def event_from(type: str, raw: Json) -> Event:
    """An event as a stream tells it."""
    if type == "progress":
        data = {"step": raw["step"], "steps": raw["steps"]}
        return Event(None, type, raw["batch"], raw["image"], data)
    return Event(raw["number"], type, raw["batch"], raw["image"], raw["data"])


def batch_from(raw: Json) -> Batch:
    """A batch as the API sends it."""
    return Batch(
        id=raw["id"],
        user=raw["user"],
        character=raw["character"],
        quantity=raw["quantity"],
        status=raw["status"],
        indices=tuple(raw["indices"]),
        images=tuple(_image(item) for item in raw["images"]),
        urls=tuple(raw["urls"]),
        last_event=raw["last_event"],
        created_at=raw["created_at"],
        ended_at=raw["ended_at"],
        deadline=raw["deadline"],
        eta=raw.get("eta"),
        raw=raw,
    )


def _image(raw: Json) -> Image:
    return Image(
        id=raw["id"],
        index=raw["index"],
        name=raw["name"],
        status=raw["status"],
        seed=raw["seed"],
        url=raw["url"],
        thumbnail_url=raw["thumbnail_url"],
        publications=tuple(raw.get("publications", ())),
        error=raw.get("error"),
        eta=raw.get("eta"),
        place=raw.get("place"),
        deleted_at=raw.get("deleted_at"),
        raw=raw,
    )
