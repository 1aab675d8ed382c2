"""What happened, told by the process that did it, after the commit: so that it can be counted.

Nothing here names a user, a batch or an image: counts are for whoever runs the service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class BatchAccepted:
    """An order was taken."""

    character: str


@dataclass(frozen=True, slots=True)
class BatchEnded:
    """The last image of a batch has ended."""

    character: str
    status: str  # one of states.BATCH_STATUSES that are ends


@dataclass(frozen=True, slots=True)
class ImageEnded:
    """An image will not change any more, unless somebody asks."""

    status: str  # stored, failed or canceled
    seconds: float | None = None  # of a stored one: since it was ordered, or asked for again


@dataclass(frozen=True, slots=True)
class QueuedAgain:
    """An image goes back into the line."""

    reason: str  # the outcome of its attempt, or `retry`: somebody asked


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """One try to render an image is over."""

    backend: str
    outcome: str  # one of retrying.OUTCOMES
    seconds: float


@dataclass(frozen=True, slots=True)
class GhostCanceled:
    """A prompt of ours that nobody waits for was found at a backend."""

    backend: str


@dataclass(frozen=True, slots=True)
class CopyTried:
    """One try to copy an image to a publisher is over."""

    publisher: str
    outcome: str  # uploaded, delayed or failed
    seconds: float


@dataclass(frozen=True, slots=True)
class MessageTried:
    """One try to send a webhook's message is over."""

    outcome: str  # delivered, delayed or dead
    seconds: float


Happening: TypeAlias = (
    BatchAccepted
    | BatchEnded
    | ImageEnded
    | QueuedAgain
    | AttemptEnded
    | GhostCanceled
    | CopyTried
    | MessageTried
)
