"""The state machine as a table: every arrow, allowed and forbidden."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.records import Counters
from safelight.core.states import (
    ARROWS,
    BATCH_STATUSES,
    ENDED,
    EVENTS,
    PUBLICATION_ARROWS,
    PUBLICATION_STATES,
    STATES,
    Forbidden,
    arrow,
    batch_status,
    diagram,
)

ALLOWED = {
    ("queued", "dispatched"): "dispatch",
    ("queued", "canceled"): "withdraw",
    ("queued", "failed"): "expire",
    ("dispatched", "stored"): "keep",
    ("dispatched", "queued"): "requeue",
    ("dispatched", "failed"): "fail",
    ("dispatched", "canceled"): "cancel",
    ("failed", "queued"): "retry",
}


@pytest.mark.parametrize(("source", "target"), [*itertools.product(STATES, STATES)])
def test_every_pair_of_states_is_an_arrow_or_forbidden(source: str, target: str) -> None:
    if (source, target) in ALLOWED:
        assert arrow(source, target).name == ALLOWED[source, target]
    else:
        with pytest.raises(Forbidden, match=f"{source} never becomes {target}"):
            arrow(source, target)


def test_stored_and_canceled_are_final() -> None:
    assert not [a for a in ARROWS if a.source in ("stored", "canceled")]


def test_every_arrow_tells_an_event_that_listeners_know() -> None:
    assert {a.event for a in ARROWS} <= set(EVENTS)
    assert len({a.name for a in ARROWS}) == len(ARROWS) == len(ALLOWED)


@pytest.mark.parametrize(
    ("counters", "status"),
    [
        (Counters(4), "queued"),
        (Counters(4, started=True), "running"),
        (Counters(4, stored=3, started=True), "running"),
        (Counters(4, canceled=1), "queued"),
        (Counters(4, stored=4, started=True), "completed"),
        (Counters(4, stored=3, failed=1, started=True), "partial"),
        (Counters(4, stored=1, canceled=3, started=True), "partial"),
        (Counters(4, failed=4, started=True), "failed"),
        (Counters(4, failed=1, canceled=3, started=True), "failed"),
        (Counters(4, canceled=4), "canceled"),
    ],
)
def test_a_batch_is_called_what_its_counters_say(counters: Counters, status: str) -> None:
    assert batch_status(counters) == status


@given(st.integers(1, 64), st.data(), st.booleans())
def test_a_batch_is_completed_exactly_when_all_are_stored(
    quantity: int, data: st.DataObject, started: bool
) -> None:
    stored = data.draw(st.integers(0, quantity))
    failed = data.draw(st.integers(0, quantity - stored))
    canceled = data.draw(st.integers(0, quantity - stored - failed))
    status = batch_status(Counters(quantity, stored, failed, canceled, started))
    assert status in BATCH_STATUSES
    assert (status == "completed") == (stored == quantity)
    assert (status in ENDED) == (stored + failed + canceled == quantity)


def test_a_copy_is_pending_then_uploaded_or_failed_and_pending_again_on_request() -> None:
    ways = {(a.source, a.target): a.event for a in PUBLICATION_ARROWS}
    assert ways == {
        ("pending", "uploaded"): "publication.uploaded",
        ("pending", "failed"): "publication.failed",
        ("failed", "pending"): "",
    }
    assert {state for pair in ways for state in pair} == set(PUBLICATION_STATES)
    assert {event for event in ways.values() if event} <= set(EVENTS)


def test_the_diagram_shows_every_arrow() -> None:
    drawn = diagram()
    for a in ARROWS:
        assert f"{a.source} --> {a.target}: {a.name}" in drawn
