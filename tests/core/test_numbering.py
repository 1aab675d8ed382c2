"""Indices and seeds that never meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.errors import Invalid
from safelight.core.numbering import (
    INDEX_LIMIT,
    REDRAW_LIMIT,
    SEED_LIMIT,
    _permuted,
    draw_seed,
    explicit_seeds,
    reserve,
)

KEY = b"k" * 32
DRAWS = st.tuples(st.integers(0, INDEX_LIMIT - 1), st.integers(0, REDRAW_LIMIT - 1))


def test_reserved_highest_first() -> None:
    assert reserve(9, 4) == (13, 12, 11, 10)
    assert reserve(0, 1) == (1,)


@given(st.lists(st.integers(1, 64), max_size=20))
def test_reservations_leave_no_gap(quantities: list[int]) -> None:
    highest, given_out = 0, []
    for quantity in quantities:
        indices = reserve(highest, quantity)
        assert list(indices) == sorted(indices, reverse=True)
        given_out += sorted(indices)
        highest = indices[0]
    assert given_out == list(range(1, sum(quantities) + 1))


@given(DRAWS, DRAWS, st.binary(max_size=64))
def test_no_two_draws_of_a_series_meet(
    one: tuple[int, int], other: tuple[int, int], key: bytes
) -> None:
    assert 0 <= draw_seed(key, *one) < SEED_LIMIT
    assert (draw_seed(key, *one) == draw_seed(key, *other)) is (one == other)


def test_twenty_thousand_draws_are_different_and_spread() -> None:
    seeds = {draw_seed(KEY, index, redraw) for index in range(5_000) for redraw in range(4)}
    assert len(seeds) == 20_000
    assert 0.45 < sum(seed < SEED_LIMIT // 2 for seed in seeds) / 20_000 < 0.55


def test_the_network_is_a_bijection() -> None:
    numbers = range(2**54 - 5_000, 2**54)
    assert len({_permuted(KEY, number) for number in numbers}) == 5_000
    assert all(0 <= _permuted(KEY, number) < 2**54 for number in numbers)


def test_seeds_are_for_ever_the_same() -> None:
    """Released with these values: a retry after an upgrade must draw the same picture."""
    assert [draw_seed(KEY, index) for index in (1, 2)] == [
        3_761_383_536_720_322,
        6_588_554_585_701_737,
    ]
    assert draw_seed(KEY, 1, 1) == 2_965_644_073_952_967


def test_another_series_draws_others() -> None:
    assert draw_seed(KEY, 1) != draw_seed(b"l" * 32, 1)


@pytest.mark.parametrize(
    ("index", "redraw"), [(-1, 0), (INDEX_LIMIT, 0), (0, -1), (0, REDRAW_LIMIT)]
)
def test_draws_out_of_range(index: int, redraw: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        draw_seed(KEY, index, redraw)


def test_explicit_seeds_give_the_lowest_index_the_seed() -> None:
    assert explicit_seeds(7, 4) == (10, 9, 8, 7)
    assert dict(zip(reserve(9, 4), explicit_seeds(7, 4), strict=True))[10] == 7
    assert explicit_seeds(2**53 - 4, 4)[0] == 2**53 - 1
    assert explicit_seeds(0, 1) == (0,)


@pytest.mark.parametrize(("seed", "quantity"), [(-1, 1), (2**53, 1), (2**53 - 3, 4), (2**64, 1)])
def test_seeds_that_a_browser_would_round(seed: int, quantity: int) -> None:
    with pytest.raises(Invalid, match="2\\^53") as caught:
        explicit_seeds(seed, quantity)
    assert caught.value.errors[0].pointer == "/seed"
