"""Who is next: turns in virtual time, so that users share a pool image by image.

Self-clocked fair queueing (Golestani, "A self-clocked fair queueing scheme for broadband
applications", 1994; start-time fair queueing of Goyal, Vin and Cheng, 1996, is its sibling). Every
image gets a turn, a place in virtual time: the later of its user's last turn and the pool's clock,
plus what an image of this user costs. The lowest turn is drawn first. While two users both wait,
their images drawn, each times its cost, differ by at most one image of either. What is drawn again
for a misfortune keeps its turn; what somebody retries takes a new one, like an order.

The clock is the highest turn that was drawn. Where nobody is in line it is the highest turn that
was given, should that be later: images are canceled, and their users begin anew with all others.
It never goes back, and it is not the turn at the head of the line. That one goes back, or stands,
while an image waits at the head for a cap of its user or for its backend, and whoever comes then
would pass everybody in line; and it leaps ahead where the head is a user of low weight, and whoever
orders one image at a time would then be drawn no more often than he.

`database/queries/reserve.sql` and `take_turns.sql` say the same in SQL; a test runs both sides on
the same orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TURN_COST: Final = 100  # of one image in virtual time, for a user of weight 1
WEIGHT_MIN: Final = 0.01
WEIGHT_MAX: Final = 100.0


@dataclass(frozen=True, slots=True)
class Fairness:
    """How users share pools (settings)."""

    weights: Mapping[str, float] = field(default_factory=dict)  # user id -> weight; others have 1
    queued_per_user: int | None = None  # unfinished images a user may have
    in_flight_per_user: int | None = None  # images of one user at backends at the same time

    def weight(self, user: str) -> float:
        """How many images of this user count as one of a user of weight 1."""
        return self.weights.get(user, 1.0)


def clock(drawn: int, given: int, *, waiting: bool) -> int:
    """The time of a pool: see above.

    `drawn` is the highest turn ever drawn, or the clock if that was later; `given` the highest turn
    any user was given; `waiting` says whether anybody is in line.

    Example:
        >>> clock(500, 900, waiting=True), clock(500, 900, waiting=False)
        (500, 900)
    """
    return drawn if waiting else max(drawn, given)


def costs(quantity: int, weight: float) -> tuple[int, ...]:
    """What the first, the first two, … of so many images cost together; at least 1 each.

    Rounded together, so that no weight loses by its fraction.

    Example:
        >>> costs(4, 1), costs(4, 3)
        ((100, 200, 300, 400), (33, 67, 100, 133))
    """
    return tuple(round(TURN_COST * count / weight) for count in range(1, quantity + 1))


def turns(last: int, now: int, quantity: int, weight: float) -> tuple[int, ...]:
    """The turns of a user's next images; `last` is the user's last turn, `now` the pool's clock."""
    start = max(last, now)
    return tuple(start + cost for cost in costs(quantity, weight))
