"""Quotas: what is too much, and what is told of it."""

from __future__ import annotations

import pytest

from safelight.core.errors import TooMany
from safelight.core.quotas import Quota, Rates, refuse_excess

BATCHES = Quota("batches", most=10, window=60, used=11, counted=1, resets=12.5)
IMAGES = Quota("images", most=100, window=86_400, used=98, counted=4, resets=40_000.0)
USERS = Quota("user-images", most=50, window=86_400, used=54, counted=4, resets=0.2)


def test_what_fits_is_taken() -> None:
    refuse_excess([])
    refuse_excess([IMAGES, Quota("batches", 10, 60, 10, 1, 9.0)])
    assert IMAGES.left == 2


def test_what_is_too_much_says_all_of_it_and_when_to_come_back() -> None:
    """The refused order itself counts in none of them; nobody comes back within the second."""
    with pytest.raises(TooMany) as refused:
        refuse_excess([BATCHES, IMAGES, USERS])
    error = refused.value
    assert error.detail == (
        "this key may order 10 batches a minute; 50 images a day may be ordered for this user"
    )
    assert error.retry_after == 12.5
    assert [(quota.used, quota.counted, quota.left) for quota in error.quotas] == [
        (10, 0, 0),
        (94, 0, 6),
        (50, 0, 0),
    ]
    with pytest.raises(TooMany) as soon:
        refuse_excess([USERS])
    assert soon.value.retry_after == 1.0


def test_a_window_may_hold_more_than_is_allowed_now() -> None:
    """The limit was lowered meanwhile: nothing is left, and not less than nothing."""
    assert Quota("images", 5, 60, 9, 0, 1.0).left == 0


@pytest.mark.parametrize(
    ("rates", "some"),
    [(Rates(), False), (Rates(1), True), (Rates(None, 1), True), (Rates(None, None, 1), True)],
)
def test_whether_anything_is_limited(rates: Rates, some: bool) -> None:
    assert rates.any is some
