"""The records that travel between the layers: frozen, closed, commented per field.

Words are those of the glossary (docs/glossary.md). JSON shapes live at the door (`api/schemas.py`),
rows in `database/`; these are neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

# A ComfyUI graph in API format: {node id: {"class_type": str, "inputs": {...}}}.
Graph: TypeAlias = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA file and how strongly it is applied (to model and text encoder alike)."""

    name: str
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a character or a request may say about the drawing; None leaves it to the graph."""

    width: int | None = None
    height: int | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: str | None = None
    scheduler: str | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """An art style: chooses pool and checkpoint, adds prompt words."""

    id: str
    pool: str = "default"
    checkpoint: str | None = None
    prompt: str = ""
    negative_prompt: str = ""
    workflow: str | None = None  # for characters that name none


@dataclass(frozen=True, slots=True)
class Character:
    """A named subject."""

    id: str
    name: str
    style: str | None = None
    workflow: str | None = None
    prompt: str = ""
    negative_prompt: str = ""
    embedding: str | None = None  # token `embedding:NAME` in front of the prompt
    loras: tuple[Lora, ...] = ()
    parameters: Parameters = Parameters()


@dataclass(frozen=True, slots=True)
class Workflow:
    """A checked graph with the slots somebody named; the others are found in the graph."""

    id: str
    graph: Graph
    slots: Mapping[str, str] = field(default_factory=dict)  # slot name -> "node.input" (or node)
    exact_size: bool = False  # the picture must have the requested size (no upscaler inside)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything an order may refer to, as it is at one moment."""

    characters: Mapping[str, Character]
    styles: Mapping[str, Style]
    workflows: Mapping[str, Workflow]


@dataclass(frozen=True, slots=True)
class Limits:
    """What an order may ask for (settings)."""

    quantity: int = 64
    prompt: int = 20_000  # characters
    size_min: int = 16  # pixels
    size_max: int = 4096  # pixels
    deadline: float = 86_400.0  # seconds in which a batch must end


@dataclass(frozen=True, slots=True)
class Webhook:
    """Who is told of what happens."""

    url: str = field(repr=False)  # there may be a token in it
    events: tuple[str, ...]  # of states.EVENTS
    base: str  # what the links in its messages begin with, no slash at the end


@dataclass(frozen=True, slots=True)
class Order:
    """One request as it came through the door, types checked, meaning not yet."""

    user: str
    character: str
    prompt: str
    quantity: int
    seed: int | None = None
    negative_prompt: str | None = None
    parameters: Parameters = Parameters()
    style: str | None = None
    loras: tuple[Lora, ...] | None = None
    embedding: str | None = None
    workflow: str | None = None
    metadata: Mapping[str, Any] | None = None
    deadline: int | None = None  # seconds from its acceptance; None: that of the settings
    webhook: Webhook | None = None
    traceparent: str | None = None  # where the caller is in a trace, as W3C spells it


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be drawn, frozen at accept: later edits of files and objects change nothing."""

    pool: str
    workflow: str  # its id, for people
    graph: str  # content hash (SHA-256, hex) of the unfilled graph in the table `graphs`
    slots: Mapping[str, str]  # slot name -> "node.input"; always "seed"; "output" names a node
    values: Mapping[str, Any]  # slot name -> value to write (prompt, width, checkpoint, ...)
    loras: tuple[Lora, ...] = ()
    width: int | None = None  # requested size in pixels, checked only if exact_size
    height: int | None = None
    exact_size: bool = False
    publishers: tuple[str, ...] = ()  # where copies of its pictures go


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The bytes of a stored image."""

    key: str  # in the store
    bytes: int
    content_type: str
    width: int
    height: int
    sha256: str  # of the bytes, hex
    pixels_sha256: str  # of the decoded pixels, hex


@dataclass(frozen=True, slots=True)
class ImageError:
    """Why an image failed: a slug and a sentence that says what to do next."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Publication:
    """One image's copy at one publisher."""

    publisher: str
    status: str  # one of states.PUBLICATION_STATES
    url: str | None = None  # where it is served, when it is uploaded
    reason: str | None = None  # of the last trouble
    removed: bool = False  # taken away there, because somebody asked


@dataclass(frozen=True, slots=True)
class Image:
    """One numbered member of a batch, as its row says."""

    id: str
    batch: str
    user: str
    character: str
    index: int
    seed: int
    status: str  # one of states.STATES
    seed_explicit: bool = False
    seed_replaced: bool = False  # an explicit seed made a twin and was drawn anew
    file: StoredFile | None = None
    error: ImageError | None = None
    prompt_id: str | None = None  # of the attempt whose picture is stored, else the running one
    backend: str | None = None  # likewise
    created_at: datetime | None = None
    dispatched_at: datetime | None = None
    finished_at: datetime | None = None
    deleted_at: datetime | None = None
    starred_at: datetime | None = None
    publications: tuple[Publication, ...] = ()  # one a publisher of its batch, in their order


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to render an image."""

    prompt_id: str
    image: str
    backend: str
    epoch: int  # of the lease under which it was opened
    slot: int
    opened_at: datetime
    closed_at: datetime | None = None
    outcome: str | None = None  # one of retrying.OUTCOMES


@dataclass(frozen=True, slots=True)
class Drawing:
    """An image that a backend has."""

    image: str
    batch: str
    user: str
    character: str
    index: int
    since: datetime  # when its attempt was opened


@dataclass(frozen=True, slots=True)
class Counters:
    """The three counters of a batch, and what they are counted against."""

    quantity: int
    stored: int = 0
    failed: int = 0
    canceled: int = 0
    started: bool = False  # something was sent to a backend


@dataclass(frozen=True, slots=True)
class Batch:
    """One request for `quantity` images, with its images, highest index first."""

    id: str
    user: str
    character: str
    prompt: str
    counters: Counters
    status: str  # states.batch_status(counters)
    images: tuple[Image, ...]
    pool: str
    workflow: str
    metadata: Mapping[str, Any] | None
    created_at: datetime
    ended_at: datetime | None
    deadline: datetime
    last_event: int  # number of the newest event of this batch
    traceparent: str | None = None  # where in a trace it was accepted; lists do not say
    parameters: Mapping[str, Any] = field(default_factory=dict)  # that the order itself named


@dataclass(frozen=True, slots=True)
class ListedSeries:
    """A series in the list of all."""

    user: str
    character: str
    highest: int  # highest reserved index
    counts: Mapping[str, int]  # image status -> how many
    latest: tuple[str, int] | None  # id and index of the newest picture there is
    ordered_at: datetime  # when images of it were last ordered, or taken over


@dataclass(frozen=True, slots=True)
class Event:
    """What a listener is told: a row, numbered per batch in commit order."""

    batch: str
    number: int
    type: str  # one of states.EVENTS
    image: str | None
    data: Mapping[str, Any]
    at: datetime
