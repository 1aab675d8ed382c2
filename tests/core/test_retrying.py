"""The table of retry decisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.retrying import (
    FOR_GOOD,
    OUTCOMES,
    RULES,
    WAITED_FOR,
    Again,
    GiveUp,
    LetGo,
    decide,
    recorded,
)

# outcome, how often it may be tried again, seed, elsewhere, memory freed, error in the end
TABLE = [
    ("lost", 10, False, False, False, "lost-too-often"),
    ("died", 10, False, False, False, "kills-backends"),
    ("shut-out", 10, False, False, False, "backend-shut-out"),
    ("interrupted", 10, False, False, False, "lost-too-often"),
    ("error", 2, False, False, False, "execution-failed"),
    ("out-of-memory", 1, False, True, True, "out-of-memory"),
    ("refused", 0, False, False, False, "backend-refused"),
    ("unusable", 3, False, True, False, "unusable-picture"),
    ("cached", 3, False, True, False, "cached-picture"),
    ("late", 0, False, False, False, "deadline-passed"),
    ("broken", 2, False, False, False, "internal-error"),
    ("twin", 3, True, False, False, "duplicate_picture"),
]


@pytest.mark.parametrize(("outcome", "again", "seed", "elsewhere", "free", "code"), TABLE)
def test_each_misfortune_has_its_own_number_of_tries(
    outcome: str, again: int, seed: bool, elsewhere: bool, free: bool, code: str
) -> None:
    for before in range(again):
        decision = decide(outcome, {outcome: before}, quantity=64)
        assert decision == Again(new_seed=seed, elsewhere=elsewhere, free=free)
    last = decide(outcome, {outcome: again}, quantity=64)
    assert isinstance(last, GiveUp)
    assert last.code == code
    assert last.advice.endswith(".")


def test_what_never_left_this_machine_is_tried_for_ever() -> None:
    assert isinstance(decide("unsent", {"unsent": 5000}), Again)


def test_what_a_backend_lacks_is_never_asked_of_it_again() -> None:
    again = Again(new_seed=False, elsewhere=True, free=False)
    assert decide("missing", {"missing": 50}, others=True) == again
    last = decide("missing", {}, others=False)
    assert isinstance(last, GiveUp)
    assert last.code == "no-backend-can"


@pytest.mark.parametrize("outcome", ["out-of-memory", "unusable", "cached"])
def test_where_there_is_no_other_backend_the_same_one_is_asked_again(outcome: str) -> None:
    again = Again(new_seed=False, elsewhere=False, free=outcome == "out-of-memory")
    assert decide(outcome, {}, others=False) == again


def test_another_backend_is_waited_for_only_where_this_one_would_fail_again() -> None:
    assert {outcome for outcome, rule in RULES.items() if rule.elsewhere} == {
        "out-of-memory",
        "missing",
        "unusable",
        "cached",
    }
    assert set(WAITED_FOR) == {"out-of-memory", "missing"}
    assert FOR_GOOD == ("missing",)


def test_all_that_count_share_one_budget() -> None:
    earlier = {"error": 1, "unusable": 2, "out-of-memory": 1, "cached": 1}
    assert isinstance(decide("unusable", earlier), GiveUp)
    assert isinstance(decide("unusable", earlier, max_attempts=7), Again)


def test_attempts_lost_with_their_backend_do_not_count() -> None:
    earlier = {"lost": 9, "unsent": 40, "interrupted": 9, "twin": 2}
    assert isinstance(decide("error", earlier, max_attempts=2), Again)


def test_a_batch_of_twins_gives_up_after_as_many_as_it_has_images() -> None:
    assert isinstance(decide("twin", {}, batch_twins=3, quantity=4), Again)
    assert isinstance(decide("twin", {}, batch_twins=4, quantity=4), GiveUp)


def test_every_outcome_without_a_picture_has_a_rule() -> None:
    assert set(OUTCOMES) - set(RULES) == {"stored", "spare", "canceled"}


@pytest.mark.parametrize("outcome", [*RULES, "canceled"])
@pytest.mark.parametrize("before", [0, 1000])
@pytest.mark.parametrize("late", [True, False])
def test_whatever_ends_an_unwanted_image_cancels_it(outcome: str, before: int, late: bool) -> None:
    assert decide(outcome, {outcome: before}, unwanted=True, late=late) == LetGo()


RECORDED = [
    ("interrupted", True, "canceled"),
    ("interrupted", False, "interrupted"),
    *((outcome, True, outcome) for outcome in OUTCOMES if outcome != "interrupted"),
    *((outcome, False, outcome) for outcome in OUTCOMES if outcome != "interrupted"),
]


@pytest.mark.parametrize(("outcome", "unwanted", "told"), RECORDED)
def test_only_an_interruption_that_was_asked_for_has_another_name(
    outcome: str, unwanted: bool, told: str
) -> None:
    assert recorded(outcome, unwanted=unwanted) == told


def test_a_deadline_that_a_retry_has_moved_ends_nothing() -> None:
    assert decide("late", {}, late=False) == Again(new_seed=False, elsewhere=False, free=False)
    assert isinstance(decide("late", {}, late=True), GiveUp)


@given(
    st.sampled_from(sorted(RULES)),
    st.dictionaries(st.sampled_from(OUTCOMES), st.integers(0, 20)),
    st.integers(1, 10),
)
def test_only_a_twin_changes_the_seed(outcome: str, earlier: dict[str, int], most: int) -> None:
    decision = decide(outcome, earlier, max_attempts=most)
    if isinstance(decision, Again):
        assert decision.new_seed == (outcome == "twin")
