"""Quotas: how much a key, or a user, may ask for in a time.

Each is counted in a window that begins with the first order in it, and lasts a minute or a day. So
somebody may order twice as much around the end of a window, and never more than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from safelight.core.errors import TooMany

USER_IMAGES: Final = "user-images"
"""Counted over all keys and characters: not for everybody to see."""
_SAYINGS: Final = {
    "batches": "this key may order {most} batches a minute",
    "images": "this key may order {most} images a day",
    USER_IMAGES: "{most} images a day may be ordered for this user",
}


@dataclass(frozen=True, slots=True)
class Rates:
    """How much may be asked for (settings); None: any. A key may have others of its own."""

    batches_per_minute: int | None = None  # by one key
    images_per_day: int | None = None  # by one key
    images_per_user_per_day: int | None = None  # by all keys together

    @property
    def any(self) -> bool:
        """Whether anything is limited."""
        given = (self.batches_per_minute, self.images_per_day, self.images_per_user_per_day)
        return any(most is not None for most in given)


@dataclass(frozen=True, slots=True)
class Quota:
    """One of them, with an order counted."""

    name: str  # batches, images or user-images
    most: int
    window: int  # s
    used: int
    counted: int  # of what is used: by this order
    resets: float  # s from now

    @property
    def left(self) -> int:
        """What may still be asked for before the window ends."""
        return max(0, self.most - self.used)


def refuse_excess(quotas: Sequence[Quota]) -> None:
    """Raises `TooMany` if an order is more than one of them allows; it has not been counted then.

    Example:
        >>> refuse_excess([Quota("batches", most=2, window=60, used=2, counted=1, resets=9.0)])
    """
    excess = [quota for quota in quotas if quota.used > quota.most]
    if not excess:
        return
    detail = "; ".join(_SAYINGS[quota.name].format(most=quota.most) for quota in excess)
    refusal = TooMany(detail)
    refusal.retry_after = max(1.0, *(quota.resets for quota in excess))
    refusal.quotas = tuple(_uncounted(quota) for quota in quotas)
    raise refusal


def _uncounted(quota: Quota) -> Quota:
    used = quota.used - quota.counted
    return Quota(quota.name, quota.most, quota.window, used, 0, quota.resets)
