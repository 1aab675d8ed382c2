"""How often, and how long, something is tried that must reach somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

DAY: Final = 86_400.0  # s
CLAIM: Final = 15.0
"""Seconds for which an errand is its worker's; renewed while it runs."""


def doubling(longest: float = 3600.0, altogether: float = DAY) -> tuple[float, ...]:
    """Waits of 1, 2, 4, … s, none longer than `longest`, until they reach `altogether`.

    Example:
        >>> doubling(8.0, 30.0)
        (1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
    """
    waits: list[float] = []
    while sum(waits) < altogether:
        waits.append(min(2.0 ** len(waits), longest))
    return tuple(waits)


def next_wait(
    schedule: Sequence[float], tries: int, share: float, spread: float = 0.2
) -> float | None:
    """Seconds until the next try after `tries` failed ones; None: that was the last.

    The schedule's wait, shorter or longer by at most `spread` of it, so that what failed together
    does not come back together; `share`, from 0 to 1, says where between the two.

    Example:
        >>> next_wait((1.0, 10.0), 2, 0.5), next_wait((1.0, 10.0), 2, 0.0), next_wait((1.0,), 2, 0)
        (10.0, 8.0, None)
    """
    if tries > len(schedule):
        return None
    return schedule[tries - 1] * (1 - spread + 2 * spread * share)


def until_date(text: str, now: float) -> float | None:
    """Seconds from `now` (Unix time) to an HTTP date, which may be over; None for anything else.

    Example:
        >>> until_date("Thu, 01 Jan 1970 00:01:30 GMT", 30.0), until_date("soon", 0.0)
        (60.0, None)
    """
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
