"""JSON shapes of answers about the service itself; see `answer_schemas.py`."""

from __future__ import annotations

from datetime import datetime

from safelight.api.answer_schemas import AnswerBody


class Drawing(AnswerBody):
    """An image that a backend has."""

    image: str
    batch: str
    user: str
    character: str
    index: int
    since: datetime
    """When its attempt was opened."""


class Backend(AnswerBody):
    """A render server that is `ready`, `resting`, `unreachable`, `draining` or `unknown`."""

    name: str
    url: str
    pool: str
    slots: int
    state: str
    reason: str | None
    worker: str | None
    running: int
    ghosts: int
    """Prompts found and cancelled there in the last day, though nobody waited for them any more."""
    seen_at: datetime | None
    until: datetime | None
    """A resting or unreachable one is looked at again then."""
    shares_output_with: list[str]
    """Backends that were seen to write to the same folder."""
    drawing: list[Drawing]
    """What it has, first what it draws first."""
    seconds_per_image: float | None
    """Usually: the median of the last twenty stored ones; null where there are none."""


class Backends(AnswerBody):
    """All backends, by name."""

    data: list[Backend]


class Publisher(AnswerBody):
    """Where copies of stored images go."""

    name: str
    configured: bool
    """It stands in the settings of the server that answers; else its copies wait."""
    pending: int
    uploaded: int
    failed: int
    reason: str | None
    """Of the copy that failed last."""
    oldest_pending_at: datetime | None


class Publishers(AnswerBody):
    """All publishers."""

    data: list[Publisher]


class RetriedPublisher(Publisher):
    """A publisher whose failed copies are tried again."""

    asked: int
    """How many."""


class Health(AnswerBody):
    """The port is open."""

    status: str


class Readiness(AnswerBody):
    """What readiness rests on."""

    status: str
    checks: dict[str, str]
