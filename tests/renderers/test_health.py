"""How a backend is judged by what it does: no clock, no backend, only what was seen and when."""

from __future__ import annotations

import pytest

from safelight.renderers.base import Silent, Vitals
from safelight.renderers.health import READY, RESTING, UNKNOWN, UNREACHABLE, Health

IDLE = Vitals((), ())
OURS = ("a", "b")


def held(*ids: str, waiting: tuple[str, ...] = ()) -> Vitals:
    return Vitals(ids, waiting)


def test_an_answer_makes_it_ready_and_silence_unreachable() -> None:
    health = Health(120)
    assert health.state == UNKNOWN
    assert health.answered(IDLE, (), 0, 0) is None
    assert (health.state, health.reason) == (READY, None)
    health.silent(Silent("connection refused"))
    assert (health.state, health.reason) == (UNREACHABLE, "connection refused")
    health.silent(Silent("HTML instead of JSON", reached=True))
    assert (health.state, health.reason) == (RESTING, "HTML instead of JSON")
    health.answered(IDLE, (), 0, 1)
    assert (health.state, health.reason) == (READY, None)


def test_one_that_lets_us_down_rests_longer_each_time_until_a_picture_comes() -> None:
    health = Health(120)
    rests = []
    for _ in range(7):
        health.let_down("it took no prompt", now=0)
        assert (health.state, health.reason) == (UNKNOWN, "it took no prompt")
        health.answered(IDLE, (), 0, 0)
        assert (health.state, health.reason) == (RESTING, "it took no prompt")
        rests.append(health.rest_left(0))
    assert rests == [0.25, 0.5, 1, 2, 4, 8, 8]
    health.answered(IDLE, (), 0, 8)
    assert health.state == READY
    health.well()
    health.let_down("again", now=0)
    assert health.rest_left(0) == 0.25


@pytest.mark.parametrize(
    ("longest", "patience"), [(0, 600), (0.05, 120), (12, 120), (12.5, 125), (60, 600)]
)
def test_patience_is_learned_from_its_own_renderings(longest: float, patience: float) -> None:
    assert Health(120).patience(longest) == patience


@pytest.mark.parametrize(
    ("vitals", "word"),
    [
        (held("a", waiting=("b",)), "no progress"),
        (held(waiting=("a", "b")), "nothing runs though prompts wait"),
    ],
)
def test_a_queue_that_stands_still_is_stuck(vitals: Vitals, word: str) -> None:
    """It is told once, so that its images are given up once."""
    health = Health(10)
    assert health.answered(vitals, OURS, 0.5, 0) is None
    assert health.answered(vitals, OURS, 0.5, 10) is None
    assert health.state == READY
    reason = health.answered(vitals, OURS, 0.5, 11)
    assert reason is not None
    assert word in reason
    assert (health.state, health.reason) == (RESTING, reason)
    assert health.answered(vitals, (), 0.5, 500) is None
    assert (health.state, health.reason) == (RESTING, reason)


def test_a_stuck_one_is_ready_when_its_queue_moves_but_not_at_once() -> None:
    """Each time it waits twice as long, until a picture has come."""
    health, now, rests = Health(10), 0.0, []
    for _ in range(3):
        health.answered(held("a"), OURS, 0.5, now)
        assert health.answered(held("a"), OURS, 0.5, now + 11)
        assert health.answered(IDLE, OURS, 0.5, now + 12) is None
        assert health.state == RESTING
        rests.append(health.rest_left(now + 11))
        now += 11 + rests[-1]
        health.answered(IDLE, OURS, 0.5, now)
        assert health.state == READY
    assert rests == [30, 60, 120]


@pytest.mark.parametrize("how", ["away", "vouched for"])
def test_a_stuck_one_that_was_restarted_is_believed_at_once(how: str) -> None:
    health = Health(10)
    health.answered(held("a"), OURS, 0.5, 0)
    assert health.answered(held("a"), OURS, 0.5, 11)
    if how == "away":
        health.silent(Silent("connection refused"))
    else:
        health.looked_after()
    health.answered(IDLE, OURS, 0.5, 12)
    assert health.state == READY


def test_a_step_or_an_end_is_a_sign_of_life() -> None:
    health = Health(10)
    health.answered(held("a"), OURS, 0.5, 0)
    health.alive(9)
    assert health.answered(held("a"), OURS, 0.5, 18) is None
    assert health.answered(held("a"), OURS, 0.5, 20) is not None


def test_a_strangers_prompt_may_take_its_time() -> None:
    health = Health(10)
    health.answered(held("stranger", waiting=("a",)), OURS, 0.5, 0)
    assert health.answered(held("stranger", waiting=("a",)), OURS, 0.5, 10_000) is None
    assert health.state == READY
    assert health.answered(held("a"), OURS, 0.5, 10_001) is None  # its own time begins now
    assert health.answered(held("a"), OURS, 0.5, 10_012) is not None
