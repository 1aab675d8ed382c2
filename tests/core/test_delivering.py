"""How long is waited between two tries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.delivering import DAY, doubling, next_wait


def test_the_usual_schedule_doubles_to_an_hour_and_lasts_a_day() -> None:
    waits = doubling()
    assert waits[:5] == (1, 2, 4, 8, 16)
    assert max(waits) == 3600
    assert DAY <= sum(waits) < DAY + 3600


@pytest.mark.parametrize(
    ("tries", "share", "expected"),
    [(1, 0.5, 10), (1, 0, 8), (1, 1, 12), (2, 0.5, 100), (3, 0.5, None), (9, 0, None)],
)
def test_a_wait_is_that_of_the_schedule_and_a_little_more_or_less(
    tries: int, share: float, expected: float | None
) -> None:
    assert next_wait((10, 100), tries, share) == (expected and pytest.approx(expected))


def test_without_a_schedule_there_is_one_try() -> None:
    assert next_wait((), 1, 0.5) is None


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0, 1), st.floats(0, 1))
def test_no_wait_strays_further_than_its_spread(
    schedule: list[float], share: float, spread: float
) -> None:
    for tries, meant in enumerate(schedule, 1):
        wait = next_wait(schedule, tries, share, spread)
        assert wait is not None
        assert meant * (1 - spread) * 0.999 <= wait <= meant * (1 + spread) * 1.001 + 1e-9
