"""What an answer to a webhook means, and when it is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from safelight.core.errors import Invalid
from safelight.core.reporting import (
    DEFAULT_EVENTS,
    SCHEDULE,
    Answered,
    Forbidden,
    Silent,
    check_events,
    judge,
    message_id,
)
from safelight.core.states import EVENTS

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    verdict = judge(Answered(status), SCHEDULE, 1, 0.5, NOW)
    assert (verdict.status, verdict.reason, verdict.wait) == ("delivered", None, None)


@pytest.mark.parametrize("status", [100, 199, 301, 302, 307, 308, 400, 401, 404, 500, 502, 503])
def test_anything_else_is_tried_again(status: int) -> None:
    verdict = judge(Answered(status), SCHEDULE, 1, 0.5, NOW)
    assert (verdict.status, verdict.wait, verdict.gone) == ("pending", 5.0, False)
    assert verdict.reason is not None
    assert verdict.reason.startswith(f"HTTP {status}")
    assert ("redirect" in verdict.reason) == (300 <= status < 400)


def test_410_ends_it_for_good() -> None:
    verdict = judge(Answered(410), SCHEDULE, 1, 0.5, NOW)
    assert (verdict.status, verdict.gone) == ("dead", True)


def test_where_we_may_not_go_is_not_tried_again() -> None:
    verdict = judge(Forbidden("inside"), SCHEDULE, 1, 0.5, NOW)
    assert (verdict.status, verdict.reason, verdict.gone) == ("dead", "inside", False)


def test_the_waits_are_those_of_the_schedule_a_tenth_shorter_or_longer() -> None:
    for tries, wait in enumerate(SCHEDULE, 1):
        for share, factor in ((0.0, 0.9), (0.5, 1.0), (1.0, 1.1)):
            verdict = judge(Silent("no answer"), SCHEDULE, tries, share, NOW)
            assert verdict.status == "pending"
            assert verdict.wait == pytest.approx(wait * factor)
    last = judge(Silent("no answer"), SCHEDULE, len(SCHEDULE) + 1, 0.5, NOW)
    assert (last.status, last.reason, last.wait) == ("dead", "no answer", None)


@pytest.mark.parametrize(
    ("status", "said", "wait"),
    [
        (429, "60", 60.0),
        (503, "60", 60.0),
        (503, "0", 5.0),  # never sooner than the schedule says
        (503, "7200", 3600.0),
        (503, "9" * 40, 3600.0),
        (503, "9" * 41, 5.0),
        (503, "-5", 5.0),
        (503, "1.5", 5.0),
        (503, "", 5.0),
        (503, None, 5.0),
        (503, "٣٠", 5.0),
        (503, "soon", 5.0),
        (503, "Sun, 22 Nov 2026 12:02:00 GMT", 120.0),
        (503, "Sun, 22 Nov 2026 12:02:00 -0000", 120.0),
        (503, "Sun, 22 Nov 2026 11:00:00 GMT", 5.0),
        (503, "Sun, 22 Nov 2036 12:02:00 GMT", 3600.0),
        (503, "Sun, 22 Nov 99999999999999 12:02:00 GMT", 5.0),
        (500, "60", 5.0),  # there it is not a promise
    ],
)
def test_retry_after_is_obeyed_up_to_an_hour(status: int, said: str | None, wait: float) -> None:
    assert judge(Answered(status, said), SCHEDULE, 1, 0.5, NOW).wait == wait


def test_a_message_has_the_id_of_its_event() -> None:
    assert message_id("0b6c", 12) == "0b6c:12"


def test_left_out_events_are_every_end_of_a_batch() -> None:
    ends = {"batch.completed", "batch.partial", "batch.failed", "batch.canceled"}
    assert set(check_events(None)) == set(DEFAULT_EVENTS) == ends


def test_each_event_counts_once() -> None:
    assert check_events(["image.stored", "image.stored"]) == ("image.stored",)
    assert check_events(list(EVENTS)) == EVENTS


@pytest.mark.parametrize(
    ("events", "pointer"),
    [([], "/events"), (["image.stored", "image.lost"], "/events/1"), (["*"], "/events/0")],
)
def test_what_is_no_event_is_refused(events: list[str], pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_events(events)
    assert (refusal.value.code, refusal.value.errors[0].pointer) == ("unknown-event", pointer)
