"""kill -9 around a cancel: what was answered is carried out, and every image ends once."""

from __future__ import annotations

import http.client
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.processes import Processes, Serving, until_ended
from tests.story.canceling import (
    asked,
    assert_counted,
    assert_one_outcome,
    at_the_backend,
    image_of,
    ordered,
    stranger,
    until,
)


def answered(serving: Serving, id: str) -> Any:
    """The batch as the cancel answered it; None if the server was killed before."""
    try:
        status, batch = asked(serving, f"/v1/batches/{id}/cancel")
    except (OSError, http.client.HTTPException):
        return None
    assert status == 200, batch
    return batch


@pytest.mark.parametrize("seed", range(6))
def test_kill_9_around_a_cancel(processes: Processes, seed: int) -> None:
    """serve is killed at a random moment before, while or after a cancel is answered, and started
    again. Every image ends stored or canceled, what was answered as canceled is never rendered, and
    a stranger's prompt goes on unharmed."""
    dice = random.Random(seed)
    simulating = processes.simulate(seconds=0.4)
    first = processes.serve([simulating.url])
    batch = ordered(first, 8)
    time.sleep(dice.uniform(0, 1.2))
    other = stranger(simulating)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(answered, first, batch["id"])
        time.sleep(dice.uniform(0, 0.08))
        first.process.kill()
        then = asking.result(30)
    second = processes.serve([simulating.url])
    ended = until_ended(second, batch["id"])
    assert_counted(ended)
    assert_one_outcome(second, ended)
    until(lambda: at_the_backend(simulating) == ([], []))
    outcomes = {r["prompt_id"]: r["outcome"] for r in simulating.renderings()}
    assert outcomes[other] == "success"
    if then is not None:
        assert ended["status"] in ("partial", "canceled")
        for image in then["images"]:
            if image["status"] == "canceled":
                assert image_of(second, image["id"])["status"] == "canceled"
                attempts = image_of(second, image["id"])["attempts"]
                assert "success" not in {outcomes.get(a["prompt_id"]) for a in attempts}
