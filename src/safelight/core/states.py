"""The life of an image and of its batch, as data.

An image is `queued` (somebody wants it), `dispatched` (one open attempt carries it to a backend)
and at last `stored`, `failed` or `canceled`. Every way from one state to another is an `Arrow`;
what is not in `ARROWS` is forbidden, and `database/arrows.py` has exactly one function for each.

`stored` is the turning point: after it an image is never rendered again, whatever happens to its
copies. `canceled` is as final. Only `failed` has a way back, and only when somebody asks.

A batch has no state of its own: its status is a function of three counters in its row, which are
changed in the transaction that moves an image. So the two can never disagree.

A publication, one image's copy at one publisher, has a small life of its own, which begins when its
image is stored and never touches that (`PUBLICATION_ARROWS`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from safelight.core.errors import SafelightError
from safelight.core.records import Counters

QUEUED: Final = "queued"
DISPATCHED: Final = "dispatched"
STORED: Final = "stored"
FAILED: Final = "failed"
CANCELED: Final = "canceled"
STATES: Final = (QUEUED, DISPATCHED, STORED, FAILED, CANCELED)

PENDING: Final = "pending"
UPLOADED: Final = "uploaded"
PUBLICATION_STATES: Final = (PENDING, UPLOADED, FAILED)

RUNNING: Final = "running"
COMPLETED: Final = "completed"
PARTIAL: Final = "partial"
BATCH_STATUSES: Final = (QUEUED, RUNNING, COMPLETED, PARTIAL, CANCELED, FAILED)
ENDED: Final = frozenset({COMPLETED, PARTIAL, CANCELED, FAILED})


@dataclass(frozen=True, slots=True)
class Arrow:
    """One allowed way: its name is that of the function that takes it."""

    name: str
    source: str
    target: str
    event: str  # what listeners are told, empty for nothing
    why: str  # for the diagram


ARROWS: Final = (
    Arrow("dispatch", QUEUED, DISPATCHED, "image.dispatched", "a lane has a free slot"),
    Arrow("withdraw", QUEUED, CANCELED, "image.canceled", "somebody asked"),
    Arrow("expire", QUEUED, FAILED, "image.failed", "deadline passed, or no backend can draw it"),
    Arrow("keep", DISPATCHED, STORED, "image.stored", "whole, different, in the store"),
    Arrow("requeue", DISPATCHED, QUEUED, "image.queued", "lost, or worth another attempt"),
    Arrow("fail", DISPATCHED, FAILED, "image.failed", "no attempt is left"),
    Arrow("cancel", DISPATCHED, CANCELED, "image.canceled", "somebody asked, the backend agreed"),
    Arrow("retry", FAILED, QUEUED, "image.queued", "somebody asked"),
)
PUBLICATION_ARROWS: Final = (
    Arrow("confirm", PENDING, UPLOADED, "publication.uploaded", "size and hash agree there"),
    Arrow("give_up", PENDING, FAILED, "publication.failed", "refused, or tried for too long"),
    Arrow("ask_again", FAILED, PENDING, "", "somebody asked"),
)
_BY_ENDS: Final = {(arrow.source, arrow.target): arrow for arrow in ARROWS}

EVENTS: Final = (
    "batch.created",
    "batch.completed",
    "batch.partial",
    "batch.failed",
    "batch.canceled",
    "image.dispatched",
    "image.queued",
    "image.stored",
    "image.failed",
    "image.canceled",
    "publication.uploaded",
    "publication.failed",
)


class Forbidden(SafelightError):
    """No arrow leads from the one state to the other."""

    code = "forbidden-transition"


def arrow(source: str, target: str) -> Arrow:
    """The arrow between two states.

    Raises:
        Forbidden: there is none.

    Example:
        >>> arrow("queued", "dispatched").name
        'dispatch'
    """
    try:
        return _BY_ENDS[source, target]
    except KeyError:
        raise Forbidden(f"an image that is {source} never becomes {target}") from None


def batch_status(counters: Counters) -> str:
    """What a batch with these counters is called, one of `BATCH_STATUSES`.

    Example:
        >>> batch_status(Counters(quantity=4, stored=3, failed=1, started=True))
        'partial'
    """
    if counters.stored + counters.failed + counters.canceled < counters.quantity:
        return RUNNING if counters.started else QUEUED
    if counters.stored == counters.quantity:
        return COMPLETED
    if counters.stored:
        return PARTIAL
    return FAILED if counters.failed else CANCELED


def diagram() -> str:
    """The state diagram of the docs, in Mermaid, drawn from `ARROWS`."""
    lines = ["stateDiagram-v2", f"    [*] --> {QUEUED}: accept"]
    lines += [f"    {a.source} --> {a.target}: {a.name} ({a.why})" for a in ARROWS]
    lines += [f"    {STORED} --> [*]", f"    {CANCELED} --> [*]"]
    return "\n".join(lines) + "\n"
