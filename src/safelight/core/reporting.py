"""What is told to whom, and what the answer to it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from safelight.core.delivering import next_wait, until_date
from safelight.core.errors import Invalid
from safelight.core.states import ENDED, EVENTS

PENDING: Final = "pending"
DELIVERED: Final = "delivered"
DEAD: Final = "dead"
DELIVERY_STATUSES: Final = (PENDING, DELIVERED, DEAD)

DEFAULT_EVENTS: Final = tuple(event for event in EVENTS if event.removeprefix("batch.") in ENDED)
"""What a webhook is told if it does not say: every end of a batch."""

SCHEDULE: Final = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds between tries if the settings do not say."""
PATIENCE: Final = 15.0  # s for one try altogether
OLD_SECRET: Final = 86_400.0  # s in which the secret before a rotation signs, too
LONGEST_RETRY_AFTER: Final = 3600.0  # s
SPREAD: Final = 0.1  # of a wait
_GONE: Final = 410
_LATER: Final = (429, 503)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook that is told of all batches."""

    id: str
    url: str = field(repr=False)  # there may be a token in it
    events: tuple[str, ...]
    created_at: datetime
    ended_at: datetime | None = None  # it is told nothing more from then on
    reason: str | None = None  # why
    old_until: datetime | None = None  # until then the secret before the last rotation signs, too


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook."""

    id: str
    batch: str
    number: int  # of the event
    type: str  # likewise
    image: str | None
    at: datetime  # when it happened
    status: str  # one of DELIVERY_STATUSES
    tries: int  # that ended, since it was last asked for
    http_status: int | None  # of the last answer
    reason: str | None  # of the last trouble
    next_try_at: datetime | None
    tried_at: datetime | None
    finished_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """The target has said something."""

    status: int  # of HTTP
    retry_after: str | None = None  # the header, a stranger's word


@dataclass(frozen=True, slots=True)
class Silent:
    """There was no answer, or none that could be understood."""

    reason: str  # without addresses


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The target leads where we may not go; nothing was sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a delivery after a try."""

    status: str  # one of DELIVERY_STATUSES
    reason: str | None = None  # why it is not delivered
    wait: float | None = None  # s until the next try; None: there is none
    gone: bool = False  # the target wants nothing more, ever


def message_id(batch: str, number: int) -> str:
    """What the receiver knows a message by: that of its event, at every try, for every target.

    Example:
        >>> message_id("b1", 7)
        'b1:7'
    """
    return f"{batch}:{number}"


def check_events(events: Sequence[str] | None, pointer: str = "/events") -> tuple[str, ...]:
    """The events a webhook is told, each once.

    Raises:
        Invalid: there is no such event, or the list is empty (`unknown-event`).
    """
    if events is None:
        return DEFAULT_EVENTS
    for place, event in enumerate(events):
        if event not in EVENTS:
            raise Invalid(
                f"expected one of {', '.join(EVENTS)}",
                pointer=f"{pointer}/{place}",
                code="unknown-event",
            )
    if not events:
        raise Invalid("name at least one event", pointer=pointer, code="unknown-event")
    return tuple(dict.fromkeys(events))


def judge(
    answer: Answered | Silent | Forbidden,
    schedule: Sequence[float],
    tries: int,
    share: float,
    now: datetime,
) -> Verdict:
    """What becomes of a delivery; `tries` counts this one, `share` is as in `next_wait`."""
    match answer:
        case Forbidden(reason):
            return Verdict(DEAD, reason)
        case Answered(status) if 200 <= status < 300:
            return Verdict(DELIVERED)
        case Answered(status) if status == _GONE:
            return Verdict(DEAD, "HTTP 410: the target wants nothing more", gone=True)
        case Answered(status):
            reason, least = _said(status), _asked_for(answer, now)
        case _:
            reason, least = answer.reason, 0.0
    wait = next_wait(schedule, tries, share, SPREAD)
    if wait is None:
        return Verdict(DEAD, reason)
    return Verdict(PENDING, reason, max(wait, least))


def _said(status: int) -> str:
    moved = ": a redirect is not followed" if 300 <= status < 400 else ""
    return f"HTTP {status}{moved}"


def _asked_for(answer: Answered, now: datetime) -> float:
    """Seconds the target asked us to stay away, at most an hour."""
    said = answer.retry_after
    if answer.status not in _LATER or not said or len(said) > 40:
        return 0.0
    if said.isascii() and said.isdecimal():
        return min(float(said), LONGEST_RETRY_AFTER)
    left = until_date(said, now.timestamp()) or 0.0
    return min(max(left, 0.0), LONGEST_RETRY_AFTER)
