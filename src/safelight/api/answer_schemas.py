"""JSON shapes of answers, for the OpenAPI document; a test compares them with `answers.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from safelight.api.schemas import BatchStatus, ImageStatus, PublicationStatus


class AnswerBody(BaseModel):
    """Every field is always there unless its line says otherwise."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class FieldProblem(AnswerBody):
    """One wrong field."""

    pointer: str
    """A JSON pointer into the body, `?name` for a query parameter, or a header's name."""
    detail: str
    code: str


class Problem(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """`/problems/` and the code."""
    title: str
    status: int
    detail: str
    instance: str
    """`urn:uuid:` and the request id."""
    code: str
    """Stable over versions."""
    request_id: str
    errors: list[FieldProblem] = Field(default_factory=list)
    """Only if fields are wrong."""


class ImageProblem(AnswerBody):
    """Why an image failed."""

    code: str
    detail: str


class Publication(AnswerBody):
    """One image's copy at a CDN."""

    publisher: str
    status: PublicationStatus
    url: str | None
    """Where it is served, when it is uploaded."""
    reason: str = ""
    """Of the last trouble; only there if there was any."""
    removed: bool = False
    """It was taken away there, because somebody asked; only there if so."""


class BatchImage(AnswerBody):
    """One numbered member of a batch."""

    id: str
    index: int
    name: str
    """File name, `user_character_image_00013_.png`."""
    status: ImageStatus
    seed: int
    seed_replaced: bool
    """The seed you gave made a twin, so another was drawn."""
    dispatched_at: datetime | None
    """When it was sent to a backend, the last time; null while it is queued."""
    url: str
    """Ours, absolute, for ever the same; 404 `not-stored` before the image is stored."""
    thumbnail_url: str
    publications: list[Publication]
    eta: datetime | None
    """When it will be stored; only in the answer of `GET /v1/batches/{id}`, and null where nothing
    is known."""
    place: int | None
    """In its pool's line, 1 is next; there too, and null when not queued."""
    held: str | None
    """Why it is not drawn while it is queued: its workflow kills backends. There, and in the answer
    of `GET /v1/images/{id}`."""
    deleted_at: datetime | None
    """Since then its file and thumbnail answer 410."""
    starred_at: datetime | None
    """Since then it has a star."""
    error: ImageProblem = Field(default_factory=lambda: ImageProblem(code="", detail=""))
    """Only if it failed."""


class SeriesImage(BatchImage):
    """An image in the list of its series."""

    batch: str


class Attempt(AnswerBody):
    """One try to render an image."""

    prompt_id: str
    backend: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None


class Timings(AnswerBody):
    """When what happened."""

    created_at: datetime | None
    dispatched_at: datetime | None
    finished_at: datetime | None
    queued_seconds: float | None
    working_seconds: float | None


class Image(SeriesImage):
    """An image with everything that is known of how it came to be."""

    user: str
    character: str
    backend: str | None
    prompt_id: str | None
    """Of the attempt whose picture is stored; before that, of the running one."""
    attempts: list[Attempt]
    sha256: str | None
    """Of the file."""
    pixels_sha256: str | None
    """Of the decoded pixels."""
    bytes: int | None
    width: int | None
    height: int | None
    timings: Timings


class Counts(AnswerBody):
    """How many images of a batch ended how."""

    stored: int
    failed: int
    canceled: int


class Lora(AnswerBody):
    """A LoRA file and its strength."""

    name: str
    strength: float


class BatchParameters(AnswerBody):
    """What the order itself said of the drawing; what it left out is not there."""

    seed: int = 0
    """Of the lowest index."""
    negative_prompt: str = ""
    width: int = 0
    height: int = 0
    steps: int = 0
    cfg: float = 0.0
    sampler: str = ""
    scheduler: str = ""
    style: str = ""
    loras: list[Lora] = Field(default_factory=list)
    embedding: str = ""


class Batch(AnswerBody):
    """One request for `quantity` images."""

    id: str
    user: str
    character: str
    quantity: int
    status: BatchStatus
    indices: list[int]
    """Highest first."""
    images: list[BatchImage]
    """Highest index first."""
    urls: list[str]
    """The images' `url` in their order."""
    url: str
    """The first of `urls`."""
    counts: Counts
    prompt: str
    parameters: BatchParameters
    """Nothing of batches that were ordered before these were kept, or whose user was erased."""
    pool: str
    workflow: str
    metadata: dict[str, Any] | None
    last_event: int
    """Number of the newest event, to follow from here."""
    created_at: datetime
    ended_at: datetime | None
    deadline: datetime
    """What is not stored by then fails."""
    eta: datetime | None
    """When all will be stored, the latest of the images'; null where one is not known."""
    held: str | None
    """Why what is queued of it is not drawn; only in the answer of `GET /v1/batches/{id}`."""


class Estimate(AnswerBody):
    """What is to be expected of an order that is not given yet."""

    seconds: float | None
    """Until its last image is stored; null where nothing was measured, or where an image would wait
    for a cap of its user."""
    eta: datetime | None
    """The same as a moment."""
    ahead: int
    """Images in its pool's line that would be drawn before its first."""
    quantity: int
    held: str | None
    """Why it would not be drawn: its workflow kills backends."""


class Batches(AnswerBody):
    """A page of batches, newest first."""

    data: list[Batch]
    next_cursor: str | None
    has_more: bool
