"""When images will be stored, as a table."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.core.forecast import Server, Standing, finish, forecast

FREE = Server(2.0)
BUSY = Server(2.0, sent=2, elapsed=0.5)  # free in 1.5 + 2
LATE = Server(2.0, sent=1, elapsed=9.0)  # should have ended: any moment
SLOW = Server(8.0)
UNMEASURED = Server(None, sent=1, elapsed=1.0)

LINE = [
    ({"a": FREE}, 1, 2.0),
    ({"a": FREE}, 5, 10.0),
    ({"a": BUSY}, 1, 5.5),
    ({"a": LATE}, 1, 2.0),
    ({"a": FREE, "b": FREE}, 1, 2.0),
    ({"a": FREE, "b": FREE}, 2, 2.0),
    ({"a": FREE, "b": FREE}, 3, 4.0),
    ({"a": FREE, "b": BUSY}, 2, 4.0),
    ({"a": FREE, "b": BUSY}, 3, 5.5),
    ({"a": FREE, "b": SLOW}, 4, 8.0),
    ({"a": FREE, "b": SLOW}, 5, 8.0),
    ({"a": FREE, "b": UNMEASURED}, 2, 3.0),
    ({"a": Server(0.0)}, 3, 0.003),
    ({}, 1, None),
    ({"b": UNMEASURED}, 1, None),
]


@pytest.mark.parametrize(("servers", "place", "seconds"), LINE)
def test_an_image_in_line(servers: dict[str, Server], place: int, seconds: float | None) -> None:
    told = forecast(servers, {"i": Standing(place=place)})
    assert told == {"i": None if seconds is None else pytest.approx(seconds)}


SENT = [
    ({"a": BUSY}, "a", 0, 1.5),
    ({"a": BUSY}, "a", 1, 3.5),
    ({"a": LATE}, "a", 0, 0.0),
    ({"a": FREE, "b": UNMEASURED}, "b", 0, 1.0),
    ({"b": UNMEASURED}, "b", 0, None),
    ({"a": FREE}, "away", 0, None),
    ({"a": FREE}, None, 0, None),
]


@pytest.mark.parametrize(("servers", "backend", "ahead", "seconds"), SENT)
def test_an_image_at_a_backend(
    servers: dict[str, Server], backend: str | None, ahead: int, seconds: float | None
) -> None:
    told = forecast(servers, {"i": Standing(backend=backend, ahead=ahead)})
    assert told == {"i": None if seconds is None else pytest.approx(seconds)}


def test_an_image_that_has_just_ended_is_there() -> None:
    assert forecast({}, {"i": Standing(ended=True)}) == {"i": 0.0}


def test_an_image_that_waits_for_a_cap_has_none() -> None:
    assert forecast({"a": FREE}, {"i": Standing(place=1, aside=True)}) == {"i": None}


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0.5, 20)), min_size=1, max_size=6),
    st.integers(1, 60),
)
def test_it_is_what_handing_out_one_by_one_gives(
    lanes: list[tuple[float, float]], place: int
) -> None:
    """The n-th image to end, where each lane takes the next as soon as it is free."""
    ends = sorted(free + n * seconds for free, seconds in lanes for n in range(1, place + 1))
    assert finish(lanes, place) == pytest.approx(ends[place - 1])


def test_a_long_line_is_no_work() -> None:
    assert finish([(0.0, 2.0), (0.0, 2.0)], 1_000_000) == 1_000_000
