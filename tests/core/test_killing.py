"""When deaths of backends are held against the graph that ran there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from safelight.core.killing import Death, Hold, dead, killed
from safelight.core.retrying import Again, GiveUp, LetGo, decide

START = datetime(2026, 1, 2, tzinfo=UTC)


def death(backend: str, opened: float, died: float) -> Death:
    """A death under an attempt, in seconds after some moment."""
    return Death(backend, START + timedelta(seconds=opened), START + timedelta(seconds=died))


TABLE = [
    ("nobody died", [], ()),
    ("one death says nothing", [death("a", 0, 5)], ()),
    ("one after the other", [death("a", 0, 5), death("b", 6, 9)], ("a", "b")),
    ("told in another order", [death("b", 6, 9), death("a", 0, 5)], ("a", "b")),
    ("opened in the moment of the first death", [death("a", 0, 5), death("b", 5, 9)], ("a", "b")),
    ("the same one twice", [death("a", 0, 5), death("a", 8, 9)], ("a", "a")),
    ("both at once, like servers of one host", [death("a", 0, 5), death("b", 1, 5)], ()),
    ("all that ran in the same hour", [death(str(n), n, 60 + n) for n in range(50)], ()),
    (
        "two at once, and one after that",
        [death("a", 0, 5), death("b", 1, 5), death("c", 7, 9)],
        ("a", "b", "c"),
    ),
]


@pytest.mark.parametrize(("why", "deaths", "names"), TABLE, ids=[row[0] for row in TABLE])
def test_deaths_are_held_against_a_graph_when_one_follows_another(
    why: str, deaths: list[Death], names: tuple[str, ...]
) -> None:
    assert killed(deaths) == names


IN_DOUBT = [
    ("two in a chain", [death("a", 0, 5), death("b", 6, 9)], ()),
    ("three", [death("a", 3 * n, 3 * n + 2) for n in range(3)], ()),
    ("four", [death("a", 3 * n, 3 * n + 2) for n in range(4)], ("a", "a", "a", "a")),
    (
        "a chain of four overlaps nothing",
        [death("a", 2 * n, 2 * n + 2) for n in range(4)],
        ("a",) * 4,
    ),
    (
        "three steps of two at once",
        [death(name, 3 * n, 3 * n + 2) for n in range(3) for name in "ab"],
        (),
    ),
    (
        "a long one beside a chain of four",
        [death("x", 0, 20), *(death("a", 3 * n, 3 * n + 2) for n in range(4))],
        ("a", "a", "a", "a", "x"),
    ),
]


@pytest.mark.parametrize(("why", "deaths", "names"), IN_DOUBT, ids=[row[0] for row in IN_DOUBT])
def test_where_servers_die_anyway_more_is_asked_for(
    why: str, deaths: list[Death], names: tuple[str, ...]
) -> None:
    assert killed(deaths, doubtful=True) == names


def test_an_image_under_which_a_backend_died_is_drawn_again_with_its_seed() -> None:
    for before in range(10):
        again = Again(new_seed=False, elsewhere=False, free=False)
        assert decide("died", {"died": before}) == again


def test_an_image_of_a_graph_that_kills_fails_at_once() -> None:
    decision = decide("died", {}, killer=True)
    assert isinstance(decision, GiveUp)
    assert decision.code == "kills-backends"
    assert decide("died", {}, killer=True, unwanted=True) == LetGo()


@pytest.mark.parametrize("outcome", ["lost", "error", "unsent", "twin"])
def test_nothing_else_that_befalls_an_image_is_the_death_of_a_backend(outcome: str) -> None:
    assert isinstance(decide(outcome, {}, killer=True), Again)


def test_deaths_do_not_count_against_the_budget_of_the_image() -> None:
    assert isinstance(decide("error", {"died": 9}, max_attempts=2), Again)


def test_a_hold_says_who_died_and_what_to_do() -> None:
    hold = Hold("big", "flux", "f00", ("b", "a", "b"), START)
    assert hold.reason == (
        "a, b died one after the other while drawing the workflow flux; mend what kills them, "
        "then: safelight workflows resume flux --pool big"
    )
    assert dead(["a", "a"]) == "a died again and again"
