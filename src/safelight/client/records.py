"""What comes back: the JSON of the API as frozen records; `raw` is the JSON as it came.

Moments are texts in RFC 3339, as they came: `datetime.fromisoformat` reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeAlias, TypedDict, TypeVar

from safelight.client.errors import UnexpectedAnswer

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")

ENDED: Final = frozenset({"completed", "partial", "canceled", "failed"})
LAST_EVENTS: Final = frozenset(f"batch.{status}" for status in ENDED)


class Lora(TypedDict, total=False):
    """A LoRA file as the backend lists it, and its strength (1.0 if left out)."""

    name: str
    strength: float


class Parameters(TypedDict, total=False):
    """What an order may say beside character, user, prompt and quantity."""

    seed: int  # of the lowest index, the next index has the next seed; left out: drawn
    negative_prompt: str
    width: int  # pixels
    height: int  # pixels
    steps: int
    cfg: float
    sampler: str
    scheduler: str
    style: str
    loras: list[Lora]
    embedding: str
    workflow: str
    metadata: dict[str, Any]  # kept with the batch and given back
    deadline: int  # seconds from now; what is not stored by then fails
    webhook: dict[str, Any]  # {url, events}: who is told of this batch


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an image has failed."""

    code: str  # docs/reference/states.md lists them
    detail: str  # for people


@dataclass(frozen=True, slots=True)
class Publication:
    """A copy of an image at a publisher."""

    publisher: str
    status: str  # pending | uploaded | failed
    url: str | None  # where it is, once it is there


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """What is known of one numbered member of a batch."""

    id: str
    index: int
    name: str  # of the file: demo_mira_image_00004_.png
    status: str  # queued | dispatched | stored | failed | canceled
    seed: int
    url: str
    thumbnail_url: str
    publications: tuple[Publication, ...]
    error: Failure | None  # of a failed one
    eta: str | None  # when it will be stored, None where nothing is known
    place: int | None  # in its pool's line, 1 is next; None when not queued
    deleted_at: str | None  # since then there is no file
    starred_at: str | None  # since then it has a star
    raw: Json = field(repr=False, compare=False)

    @property
    def ready(self) -> bool:
        """Whether there is a picture that can be read."""
        return self.status == "stored" and self.deleted_at is None


Member = TypeVar("Member", bound=ImageRecord, covariant=True)


@dataclass(frozen=True, slots=True)
class BatchRecord(Generic[Member]):
    """What is known of one request for `quantity` images; highest index first."""

    id: str
    user: str
    character: str
    quantity: int
    status: str  # queued | running | completed | partial | canceled | failed
    indices: tuple[int, ...]
    images: tuple[Member, ...]
    urls: tuple[str, ...]
    metadata: Json  # as it was ordered
    last_event: int  # number of the newest event
    created_at: str
    ended_at: str | None
    deadline: str  # what is not stored by then fails
    eta: str | None  # when all will be stored, None where that is not known
    raw: Json = field(repr=False, compare=False)

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A piece of a list, newest first; `next_cursor` leads to the rest."""

    data: tuple[T, ...]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class Series:
    """All images of one character for one user."""

    user: str
    character: str
    highest: int  # index that was given out; 0 if there is none
    counts: dict[str, int]  # of images, by their status


@dataclass(frozen=True, slots=True)
class Character:
    """A named subject; `raw` has all that is kept of it."""

    id: str
    name: str
    prompt: str | None
    negative_prompt: str | None
    style: str | None
    workflow: str | None
    read_only: bool  # it stands in the server's settings
    raw: Json = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a batch, in order; what is live only (`progress`) has no number."""

    number: int | None
    type: str  # image.stored, batch.completed, progress, …: docs/reference/events.md
    batch: str
    image: str | None  # its id
    data: Json  # {index, seed}, {index, error}, {step, steps}, …
    at: str | None = None

    @property
    def index(self) -> int | None:
        """Of the image, where the event is one of an image."""
        index = self.data.get("index")
        return index if isinstance(index, int) else None

    @property
    def error(self) -> Failure | None:
        """Why the image failed, of `image.failed`."""
        return _failure(self.data.get("error"))

    @property
    def progress(self) -> float | None:
        """How much of the image is drawn, 0 to 1, of `progress`."""
        step, steps = self.data.get("step"), self.data.get("steps")
        return step / steps if isinstance(step, int) and steps else None

    @property
    def preview(self) -> str | None:
        """Where the image as far as it is drawn can be seen, of `progress`, if it can."""
        preview = self.data.get("preview")
        return preview if isinstance(preview, str) else None

    @property
    def last(self) -> bool:
        """Whether it is one that ends a batch."""
        return self.type in LAST_EVENTS


def event_from(type: str, raw: Json) -> Event:
    """An event as a stream tells it; what is live has its fields beside the ids."""
    with understood("an event"):
        if raw.get("number") is None and "data" not in raw:
            data = {name: raw[name] for name in raw if name not in ("type", "batch", "image")}
            return Event(None, type, raw["batch"], raw.get("image"), data)
        number, data = raw["number"], raw["data"]
        if not isinstance(data, dict) or not isinstance(number, int | None):
            raise TypeError
        return Event(number, type, raw["batch"], raw["image"], data, raw.get("at"))


def image_fields(raw: Json) -> dict[str, Any]:
    """The fields of an image as the API sends it."""
    with understood("an image"):
        told = ("id", "index", "name", "status", "seed", "url", "thumbnail_url")
        return {
            **{name: raw[name] for name in told},
            "publications": tuple(
                Publication(each["publisher"], each["status"], each.get("url"))
                for each in raw.get("publications", ())
            ),
            "error": _failure(raw.get("error")),
            **{name: raw.get(name) for name in ("eta", "place", "deleted_at", "starred_at")},
            "raw": raw,
        }


def batch_fields(raw: Json, image: Callable[[Json], ImageRecord]) -> dict[str, Any]:
    """The fields of a batch as the API sends it; `image` makes its images."""
    with understood("a batch"):
        told = ("id", "user", "character", "quantity", "status", "last_event", "created_at")
        return {
            **{name: raw[name] for name in told},
            "indices": tuple(raw["indices"]),
            "images": tuple(image(each) for each in raw["images"]),
            "urls": tuple(raw["urls"]),
            "metadata": raw.get("metadata") or {},
            "ended_at": raw["ended_at"],
            "deadline": raw["deadline"],
            "eta": raw.get("eta"),
            "raw": raw,
        }


def character_from(raw: Json) -> Character:
    """A character as the API sends it."""
    with understood("a character"):
        kept = ("prompt", "negative_prompt", "style", "workflow")
        texts = {name: raw.get(name) for name in kept}
        read_only = bool(raw.get("read_only"))
        return Character(raw["id"], raw["name"], **texts, read_only=read_only, raw=raw)


def series_from(raw: Json) -> Series:
    """A series as the API sends it."""
    with understood("a series"):
        return Series(raw["user"], raw["character"], raw["highest"], dict(raw["counts"]))


def page_from(raw: Json, item: Callable[[Json], T], following: Literal["cursor", "before"]) -> Any:
    """A page of a list; a list by index is led on by a number, which is a cursor as well."""
    with understood("a list"):
        more = raw[f"next_{following}"]
        cursor = None if more is None else str(more)
        return Page(tuple(item(each) for each in raw["data"]), cursor, raw["has_more"])


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Raises `UnexpectedAnswer` where JSON has not the shape of what was asked for."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UnexpectedAnswer(200, f"the answer has not the shape of {what}") from None


def _failure(raw: Any) -> Failure | None:
    if not isinstance(raw, dict):
        return None
    return Failure(str(raw.get("code")), str(raw.get("detail")))
