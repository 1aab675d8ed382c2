"""What the gateway answers beside the core's records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from safelight.core.killing import Hold
from safelight.core.quotas import Quota
from safelight.core.records import Attempt, Batch, Character, Drawing, Event, Image, Workflow
from safelight.pipeline.stream import Reset

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ordered:
    """What an order was answered with."""

    batch: Batch
    replayed: bool = False  # the idempotency key gave it before
    quotas: Sequence[Quota] = ()  # what this order was counted in; none for a replay


@dataclass(frozen=True, slots=True)
class Provenance:
    """An image with everything that is known of how it came to be."""

    image: Image
    attempts: tuple[Attempt, ...]  # oldest first
    held: str | None = None  # why it is not drawn while it is queued


@dataclass(frozen=True, slots=True)
class Series:
    """The numbered images of one character for one user."""

    user: str
    character: str
    highest: int  # highest reserved index, 0 for a series that has none
    counts: Mapping[str, int]  # image status -> how many


@dataclass(frozen=True, slots=True)
class BackendState:
    """A backend as its row says."""

    name: str
    url: str  # without credentials
    pool: str
    slots: int
    state: str  # ready | resting | unreachable | draining | unknown
    reason: str | None
    worker: str | None  # who drives it
    running: int  # open attempts
    ghosts: int  # prompts found and cancelled there in the last day, though nobody waited for them
    seen_at: datetime | None
    until: datetime | None = None  # a resting or unreachable one is looked at again then
    shares_output_with: Sequence[str] = ()  # backends that write to the same folder
    drawing: Sequence[Drawing] = ()  # what it has, first what it draws first
    seconds_per_image: float | None = None  # usually; None: not measured


@dataclass(frozen=True, slots=True)
class PublisherState:
    """How many copies are how at a publisher."""

    name: str
    configured: bool  # stands in the settings of this process
    pending: int
    uploaded: int
    failed: int
    reason: str | None  # of the copy that failed last
    oldest: datetime | None  # since when the oldest pending one waits


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `cursor` leads to the next, None at the end."""

    items: Sequence[Any]
    cursor: str | None


def page_of(found: Sequence[T], limit: int, cursor: Callable[[T], str]) -> Page:
    """The page that is what was found, of which one more than the limit was asked for; `cursor`
    tells where the page behind something begins."""
    page = found[:limit]
    return Page(page, cursor(page[-1]) if len(found) > limit else None)


@dataclass(frozen=True, slots=True)
class Live:
    """Progress of one image: no row, no id; who comes late gets the latest."""

    batch: str
    image: str
    step: int
    steps: int
    preview: int = 0  # number of its latest preview, 0 where there is none


Told: TypeAlias = Event | Live | Reset
# Of all batches; with None: how far everything was looked through.
ToldOfAll: TypeAlias = tuple[str, Event | Reset | None] | Live


@dataclass(frozen=True, slots=True)
class Kept:
    """A character or workflow in the catalogue and where it is kept."""

    item: Character | Workflow
    read_only: bool  # stands in safelight.toml
    holds: Sequence[Hold] = ()  # where a workflow is not drawn until it is resumed
