"""Every state a backend can be in is reached, says why, and is left again."""

from __future__ import annotations

import re
import time
import urllib.error
from collections.abc import Callable
from typing import Any

import pytest

from tests.processes import Processes, Serving, until_ended
from tests.story.pictures import assert_exactly

SHORT = "[rendering]\nzombie_after = 1\n"


def backend(serving: Serving, name: str = "b1") -> dict[str, Any]:
    return next(each for each in serving.get("/v1/backends")["data"] if each["name"] == name)


def until(serving: Serving, state: str, name: str = "b1", seconds: float = 45) -> dict[str, Any]:
    """The backend when it is in this state."""
    return until_it(serving, lambda each: each["state"] == state, name, seconds)


def until_it(
    serving: Serving, check: Callable[[dict[str, Any]], bool], name: str, seconds: float = 45
) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while not check(found := backend(serving, name)):
        assert time.monotonic() < end, serving.described(found)
        time.sleep(0.05)
    return found


def test_one_that_goes_away_is_unreachable_and_comes_back(processes: Processes) -> None:
    """A backend that is switched off is shown as unreachable with the reason and when it is asked
    again; when it is switched on, it is ready, and what was ordered meanwhile is drawn."""
    simulating = processes.simulate()
    serving = processes.serve([simulating.url])
    assert until(serving, "ready")["until"] is None
    simulating.process.kill()
    away = until(serving, "unreachable")
    assert away["reason"]
    assert away["until"]
    id = serving.post(
        "/v1/batches", {"user": "ann", "character": "mira", "prompt": "", "quantity": 1}
    )["id"]
    processes.simulate(port=int(simulating.url.rsplit(":", 1)[1]))
    until(serving, "ready")
    assert_exactly(until_ended(serving, id), 1)


def test_a_drained_one_ends_what_it_has_and_takes_nothing_more(processes: Processes) -> None:
    """From the answer to the drain on nothing begins there that was not there before; the rest of
    the batch is drawn by others; a resumed backend takes images again."""
    first, second = processes.simulate(seconds=0.4), processes.simulate(seconds=0.4)
    serving = processes.serve([first.url, second.url])
    until(serving, "ready", "b1")
    until(serving, "ready", "b2")
    order = {"user": "ann", "character": "mira", "prompt": "", "quantity": 12}
    id = serving.post("/v1/batches", order)["id"]
    until_it(serving, lambda each: each["running"] == 2, "b1")
    told = serving.post("/v1/backends/b1/drain", None)
    assert told["state"] == "draining"
    assert "resume it" in told["reason"]
    sent = {image["id"] for image in on(serving, id, "b1")}
    assert_exactly(until_ended(serving, id), 12)
    assert {image["id"] for image in on(serving, id, "b1")} == sent
    assert until_it(serving, lambda each: each["running"] == 0, "b1")["state"] == "draining"
    assert serving.post("/v1/backends/b1/resume", None)["state"] != "draining"
    until(serving, "ready")
    before = len(first.renderings())
    assert_exactly(serving.order(8), 8)
    end = time.monotonic() + 30
    while len(first.renderings()) == before:
        assert time.monotonic() < end, serving.described(backend(serving))
        assert_exactly(serving.order(8), 8)


def on(serving: Serving, batch: str, name: str) -> list[dict[str, Any]]:
    """The batch's images that were ever sent to this backend."""
    images = serving.get(f"/v1/batches/{batch}")["images"]
    details = [serving.get(f"/v1/images/{image['id']}") for image in images]
    return [one for one in details if name in {each["backend"] for each in one["attempts"]}]


def test_a_drained_one_stays_so_when_everything_is_started_anew(processes: Processes) -> None:
    """What an operator has said outlives the process that heard it."""
    simulating = processes.simulate()
    serving = processes.serve([simulating.url])
    serving.post("/v1/backends/b1/drain", None)
    serving.process.kill()
    serving = processes.serve([simulating.url])
    id = serving.post(
        "/v1/batches", {"user": "ann", "character": "mira", "prompt": "", "quantity": 1}
    )["id"]
    time.sleep(2)  # nothing may happen: there is nothing to wait for
    assert serving.get(f"/v1/batches/{id}")["status"] == "queued"
    assert simulating.renderings() == []
    serving.post("/v1/backends/b1/resume", None)
    assert_exactly(until_ended(serving, id), 1)


def test_a_stuck_one_rests_and_its_images_are_drawn_elsewhere(processes: Processes) -> None:
    """A prompt that runs for ever while HTTP answers holds nobody up: the backend rests with the
    reason, its images are stored from another one, and after a restart it works again."""
    stuck, sound = processes.simulate(), processes.simulate(seconds=0.2)
    stuck.fault("zombie", 1.0)
    serving = processes.serve([stuck.url, sound.url], config=SHORT)
    until(serving, "ready", "b1")
    until(serving, "ready", "b2")
    batch = serving.order(8, wait=90)
    assert_exactly(batch, 8)
    assert len(on(serving, batch["id"], "b1")) >= 1
    assert {one["backend"] for one in details(serving, batch)} == {"b2"}
    resting = until(serving, "resting")
    assert resting["reason"].startswith("stuck: no progress for")
    stuck.process.kill()
    until(serving, "unreachable")
    again = processes.simulate(port=int(stuck.url.rsplit(":", 1)[1]))
    until(serving, "ready")
    end = time.monotonic() + 30
    while not again.renderings():
        assert time.monotonic() < end, serving.described(backend(serving))
        assert_exactly(serving.order(4), 4)


def details(serving: Serving, batch: dict[str, Any]) -> list[dict[str, Any]]:
    return [serving.get(f"/v1/images/{image['id']}") for image in batch["images"]]


def test_a_slow_one_is_told_from_the_others_of_its_pool(processes: Processes) -> None:
    """A backend that takes five times as long as its neighbour is ready and called slow, and is
    called so no longer when it has caught up."""
    slow, usual = processes.simulate(seconds=0.5), processes.simulate(seconds=0.5)
    slow.fault("slow", 1.0)
    serving = processes.serve([slow.url, usual.url])
    until(serving, "ready", "b1")
    until(serving, "ready", "b2")
    while not (backend(serving)["reason"] or "").startswith("slow"):
        assert_exactly(serving.order(8), 8)
        assert len(slow.renderings()) <= 20, serving.described(backend(serving))
    assert backend(serving)["state"] == "ready"
    assert re.fullmatch(
        r"slow: it takes [3-7]\.\d times as long as the others of its pool",
        backend(serving)["reason"],
    )
    assert backend(serving, "b2")["reason"] is None
    slow.fault("slow", 0.0)
    while backend(serving)["reason"]:
        assert_exactly(serving.order(8), 8)
        assert len(slow.renderings()) <= 80, serving.described(backend(serving))


def test_a_backend_that_nobody_knows_cannot_be_drained(processes: Processes) -> None:
    """A name that is no backend's is a 404 problem, whatever is in it."""
    serving = processes.serve([], "--no-worker")
    for name in ("nobody", "..", "%00", "x" * 5000, "%2e%2e%2f"):
        for verb in ("drain", "resume"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                serving.post(f"/v1/backends/{name}/{verb}", None)
            assert refused.value.code == 404
            refused.value.close()
