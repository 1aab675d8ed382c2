"""What can be asked of ordered images, as a table: every mixture of states."""

from __future__ import annotations

import itertools

import pytest

from safelight.core.errors import Conflict
from safelight.core.states import STATES
from safelight.core.wishes import check_cancel, check_delete, check_retry

MIXTURES = [frozenset(some) for n in range(1, 6) for some in itertools.combinations(STATES, n)]
REFUSED_CANCELS = {
    frozenset({"stored"}): "already-stored",
    frozenset({"failed"}): "already-failed",
    frozenset({"stored", "failed"}): "already-failed",
}


@pytest.mark.parametrize("statuses", MIXTURES, ids=sorted)
def test_a_cancel_is_refused_only_where_nothing_can_be_canceled(statuses: frozenset[str]) -> None:
    code = REFUSED_CANCELS.get(statuses)
    if code is None:
        check_cancel(statuses)
        return
    with pytest.raises(Conflict) as refused:
        check_cancel(statuses)
    assert refused.value.code == code


@pytest.mark.parametrize("statuses", MIXTURES, ids=sorted)
def test_a_retry_needs_something_that_has_failed(statuses: frozenset[str]) -> None:
    if "failed" in statuses:
        check_retry(statuses)
        return
    with pytest.raises(Conflict) as refused:
        check_retry(statuses)
    assert refused.value.code == "nothing-to-retry"
    assert all(status in refused.value.detail for status in statuses)


@pytest.mark.parametrize("status", STATES)
def test_only_what_has_ended_is_deleted(status: str) -> None:
    if status not in ("queued", "dispatched"):
        check_delete(status)
        return
    with pytest.raises(Conflict, match="cancel it first") as refused:
        check_delete(status)
    assert refused.value.code == "not-finished"


@pytest.mark.parametrize("statuses", MIXTURES, ids=sorted)
def test_nothing_is_tried_again_that_nobody_knows_any_more(statuses: frozenset[str]) -> None:
    with pytest.raises(Conflict) as refused:
        check_retry(statuses, erased=True)
    assert refused.value.code == "erased"
