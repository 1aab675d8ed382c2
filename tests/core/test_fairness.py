"""Turns in virtual time, against schedulers that are too simple to be wrong."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.core.fairness import TURN_COST, Fairness, clock, costs
from tests.core.lines import Line

USERS = ("ann", "ben", "cyd", "dan")
WEIGHTS = st.sampled_from([0.01, 0.3, 1, 1, 1, 2.5, 4, 7, 66, 100])
SHARES = st.fixed_dictionaries(dict.fromkeys(USERS, WEIGHTS))


def smooth_round_robin(weights: dict[str, float], images: int) -> Counter[str]:
    """Weighted turns by credit, as nginx balances: everybody always has something to draw."""
    credit = dict.fromkeys(weights, 0.0)
    drawn: Counter[str] = Counter()
    for _ in range(images):
        for user, weight in weights.items():
            credit[user] += weight
        first = max(credit, key=lambda user: credit[user])
        credit[first] -= sum(weights.values())
        drawn[first] += 1
    return drawn


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(USERS), st.integers(0, 9)), max_size=60))
def test_with_equal_weights_it_is_taking_turns(steps: list[tuple[str, int]]) -> None:
    """Whoever waits is drawn once before anybody who ordered before him is drawn a third time."""
    line = Line(Fairness())
    since: dict[str, Counter[str]] = {}  # who waits -> who was drawn since then
    for user, quantity in steps:
        if quantity:
            if not line.waits(user):
                since[user] = Counter()
            line.order(user, quantity)
        elif (first := line.draw()) is not None:
            for seen in since.values():
                seen[first] += 1
            since[first] = Counter()
        for waiting, seen in since.items():
            if line.waits(waiting):
                assert all(seen[other] <= 2 for other in USERS)


@settings(deadline=None)
@given(SHARES, st.integers(1, 400))
def test_the_shares_are_those_of_round_robin_by_credit(
    weights: dict[str, float], images: int
) -> None:
    line = Line(Fairness(weights))
    for user in USERS:
        line.order(user, images)
    drawn = Counter(line.draw() for _ in range(images))
    wanted = smooth_round_robin(weights, images)
    for user in USERS:
        assert abs(drawn[user] - wanted[user]) <= len(USERS)


STEP = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(USERS), st.integers(1, 12)),
    st.tuples(st.just("draw"), st.just(""), st.integers(1, 12)),
)


@settings(deadline=None)
@given(SHARES, st.lists(STEP, max_size=80))
def test_while_two_wait_what_they_got_differs_by_one_image_of_each(
    weights: dict[str, float], steps: list[tuple[str, str, int]]
) -> None:
    """Golestani's theorem, for every pair and every time both wait, whoever comes and goes."""
    line = Line(Fairness(weights))
    cost = {user: TURN_COST / weights[user] for user in USERS}
    both: dict[tuple[str, str], list[float]] = {}  # how far apart, since both wait
    got = dict.fromkeys(USERS, 0.0)
    for kind, user, many in steps:
        if kind == "order":
            if not line.waits(user):
                both = {pair: apart for pair, apart in both.items() if user not in pair}
            line.order(user, many)
            continue
        for _ in range(many):
            waiting = {user for user in USERS if line.waits(user)}
            pairs = [pair for pair in combinations(USERS, 2) if waiting.issuperset(pair)]
            both = {pair: both.get(pair) or [got[pair[0]] - got[pair[1]]] for pair in pairs}
            first = line.draw()
            if first is None:
                break
            got[first] += cost[first]
            for (one, other), apart in both.items():
                apart.append(got[one] - got[other])
                most = cost[one] + cost[other] + 4  # turns are whole numbers
                assert max(apart) - min(apart) <= most


@settings(deadline=None)
@given(SHARES, st.lists(st.tuples(st.sampled_from(USERS), st.integers(0, 9), st.booleans())))
def test_the_clock_never_goes_back(
    weights: dict[str, float], steps: list[tuple[str, int, bool]]
) -> None:
    """Also not while somebody is held back by a cap and keeps the head of the line."""
    line = Line(Fairness(weights))
    times = [line.now()]
    for user, quantity, held in steps:
        if quantity:
            line.order(user, quantity)
        else:
            line.draw(frozenset({user}) if held else frozenset())
        times.append(line.now())
    assert all(before <= after for before, after in pairwise(times))


def test_who_comes_back_after_a_long_time_has_neither_saved_nor_lost_turns() -> None:
    line = Line(Fairness())
    line.order("ann", 1)
    line.order("ben", 1000)
    for _ in range(601):
        line.draw()
    assert line.order("ann", 1)[0] - line.now() == TURN_COST
    assert "ann" in [line.draw() for _ in range(2)]


def test_a_user_held_back_at_the_head_gives_newcomers_no_turns_before_others() -> None:
    line = Line(Fairness())
    line.order("ann", 1000)
    held = frozenset({"ann"})
    line.order("ben", 500)
    for _ in range(400):
        line.draw(held)
    line.order("cyd", 300)
    drawn = [line.draw(held) for _ in range(20)]
    assert drawn.count("ben") in (9, 10, 11)


def test_ordering_one_by_one_beside_a_user_of_low_weight_gives_the_full_share() -> None:
    line = Line(Fairness({"ben": 0.01}))
    line.order("ben", 20)
    drawn = []
    for _ in range(40):
        if not line.waits("ann"):
            line.order("ann", 1)
        drawn.append(line.draw())
    assert drawn.count("ann") == 40


def test_everybody_begins_anew_where_nobody_waits() -> None:
    line = Line(Fairness({"ann": 0.01}))
    line.order("ann", 5)
    while line.draw():
        pass
    assert line.order("ben", 1) == (50_100,)
    assert line.draw() == "ben"
    assert line.order("ann", 1) == (60_100,)


@pytest.mark.parametrize(
    ("weight", "told"),
    [(1, (100, 200, 300)), (4, (25, 50, 75)), (0.01, (10_000, 20_000, 30_000)), (100, (1, 2, 3))],
)
def test_an_image_costs_a_hundred_by_the_weight(weight: float, told: tuple[int, ...]) -> None:
    assert costs(3, weight) == told


@settings(deadline=None)
@given(st.integers(1, 300), st.floats(0.01, 100))
def test_costs_rise_and_lose_nothing_by_rounding(quantity: int, weight: float) -> None:
    spent = costs(quantity, weight)
    assert all(before < after for before, after in pairwise((0, *spent)))
    assert abs(spent[-1] - TURN_COST * quantity / weight) <= 0.5


@pytest.mark.parametrize(
    ("drawn", "given_", "waiting", "told"),
    [
        (0, 0, False, 0),
        (0, 900, True, 0),
        (500, 900, True, 500),
        (500, 900, False, 900),
        (900, 500, False, 900),
    ],
)
def test_the_clock(drawn: int, given_: int, waiting: bool, told: int) -> None:
    assert clock(drawn, given_, waiting=waiting) == told


def test_users_not_named_weigh_one() -> None:
    fairness = Fairness({"ann": 4})
    assert (fairness.weight("ann"), fairness.weight("ben")) == (4, 1)
