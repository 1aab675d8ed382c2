"""How long images will still wait: measured in the database, worked out in `core.forecast`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from safelight.core.errors import TooManyQueued
from safelight.core.fairness import Fairness, costs
from safelight.core.forecast import Standing, forecast
from safelight.core.records import Batch, Order, Plan
from safelight.core.states import DISPATCHED, ENDED, QUEUED
from safelight.database import shares
from safelight.database.connection import Database

_UNFINISHED: Final = (QUEUED, DISPATCHED)
_AT_LEAST, _AT_MOST = 1.0, 60.0  # s that somebody is told to wait
_UNKNOWN: Final = 10.0  # s, where nothing is measured


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected of a batch; a batch that has ended expects nothing."""

    etas: Mapping[str, datetime | None] = field(default_factory=dict)  # image -> stored then
    places: Mapping[str, int | None] = field(default_factory=dict)  # image -> 1: next in its line
    held: str | None = None  # why what is queued is not drawn

    @property
    def eta(self) -> datetime | None:
        """When the batch will have ended; None where that is not known of one of its images."""
        known = [eta for eta in self.etas.values() if eta is not None]
        return max(known) if known and len(known) == len(self.etas) else None


async def outlook(database: Database, batch: Batch) -> Outlook:
    """What is to be expected of a batch as it was read just now; one statement unless it ended.

    Raises `DatabaseAway`.
    """
    ids = [image.id for image in batch.images if image.status in _UNFINISHED]
    if batch.status in ENDED or not ids:
        return Outlook()
    now, servers, standings, hold = await shares.standings(
        database, ids, batch.pool, batch.workflow
    )
    if hold:  # what is queued has no place; the lines of others know that when its turn comes
        standings = {id: each for id, each in standings.items() if each.place is None}
    waits = forecast(servers, standings)
    return Outlook(
        {id: _after(now, waits.get(id)) for id in ids},
        {id: standing.place for id, standing in standings.items()},
        hold.reason if hold else None,
    )


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is to be expected of an order that is not given yet."""

    quantity: int
    ahead: int  # images in its pool's line that would be drawn before its first
    seconds: float | None  # until its last image is stored; None: not known
    eta: datetime | None  # the same as a moment
    held: str | None  # why it would not be drawn


async def estimate(database: Database, order: Order, plan: Plan, fairness: Fairness) -> Estimate:
    """What is to be expected of an order if it was given now; nothing is reserved.

    Its images would stand where fair queueing puts them, behind all whose turn comes before, and
    from there on it is the forecast of any image in line (`core.forecast`). Nothing is known of one
    that would wait for a cap of its user.

    Raises:
        TooManyQueued: it would be refused.
        DatabaseAway: nobody can tell.
    """
    if fairness.queued_per_user is not None:
        unfinished = await shares.count_unfinished(database, order.user)
        if unfinished + order.quantity > fairness.queued_per_user:
            raise await too_many(database, order, plan, unfinished, fairness.queued_per_user)
    spent = costs(order.quantity, fairness.weight(order.user))
    stand = await shares.would_stand(database, order.user, plan.pool, plan.graph, spent)
    now, servers, _, _ = await shares.standings(database, [], plan.pool, plan.workflow)
    aside = order.quantity > (fairness.in_flight_per_user or order.quantity)
    last = Standing(place=stand.before_last + order.quantity, aside=aside)
    wait = None if stand.hold else forecast(servers, {"": last})[""]
    return Estimate(
        quantity=order.quantity,
        ahead=stand.before_first,
        seconds=wait,
        eta=_after(now, wait),
        held=stand.hold.reason if stand.hold else None,
    )


async def too_many(
    database: Database, order: Order, plan: Plan, unfinished: int, cap: int
) -> TooManyQueued:
    """Why an order is refused whose user has so many unfinished images, and when to come back.

    Raises `DatabaseAway`.
    """
    refusal = TooManyQueued(
        f"{order.user} has {unfinished} unfinished images and may have {cap}; "
        f"{order.quantity} more are too many now"
    )
    many = unfinished + order.quantity - cap
    refusal.retry_after = await until_fewer(database, order.user, plan.pool, plan.workflow, many)
    return refusal


async def until_fewer(database: Database, user: str, pool: str, workflow: str, many: int) -> float:
    """Seconds, 1 to 60, until so many of a user's unfinished images will have ended, as far as the
    images of one pool can tell. Raises `DatabaseAway`."""
    ids = await shares.unfinished_images(database, user, pool)
    _, servers, standings, _ = await shares.standings(database, ids, pool, workflow)
    waits = sorted(wait for wait in forecast(servers, standings).values() if wait is not None)
    wait = waits[many - 1] if len(waits) >= many else _AT_MOST if waits else _UNKNOWN
    return min(max(wait, _AT_LEAST), _AT_MOST)


def _after(now: datetime, seconds: float | None) -> datetime | None:
    """To a tenth of a second: nobody can know better."""
    if seconds is None:
        return None
    at = now + timedelta(seconds=seconds + 0.05)
    return at.replace(microsecond=at.microsecond // 100_000 * 100_000)
