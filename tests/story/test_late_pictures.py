"""The first whole picture of any attempt of an image is taken, also of one that was given up."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.processes import Processes, Serving, Simulating, until_ended
from tests.story.pictures import assert_exactly, painted, served

SHORT = "[rendering]\nlost_after = 1\n"
ORDER = {"user": "ann", "character": "mira", "prompt": "", "quantity": 1}


def until(serving: Serving, check: Callable[[], Any], seconds: float = 45) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, serving.described(None)
        time.sleep(0.05)


def freeze(simulating: Simulating) -> None:
    os.kill(simulating.process.popen.pid, signal.SIGSTOP)


def thaw(simulating: Simulating) -> None:
    os.kill(simulating.process.popen.pid, signal.SIGCONT)


def attempts(serving: Serving, batch: str) -> list[dict[str, Any]]:
    [image] = serving.get(f"/v1/batches/{batch}")["images"]
    found: list[dict[str, Any]] = serving.get(f"/v1/images/{image['id']}")["attempts"]
    return found


def ready(serving: Serving, *names: str) -> bool:
    states = {each["name"]: each["state"] for each in serving.get("/v1/backends")["data"]}
    return all(states[name] == "ready" for name in names)


def test_a_rendering_that_was_given_up_is_awaited_when_its_backend_is_back(
    processes: Processes, tmp_path: Path
) -> None:
    """A server freezes in the middle of the only image and is given up; nobody else can draw it.
    When the server goes on, its picture is taken: nothing is rendered again."""
    simulating = processes.simulate("--output", str(tmp_path / "output"), seconds=1.5)
    serving = processes.serve([simulating.url], config=SHORT)
    id = serving.post("/v1/batches", ORDER)["id"]
    until(serving, simulating.renderings)
    freeze(simulating)
    until(serving, lambda: attempts(serving, id)[0]["outcome"] == "lost")
    assert serving.get(f"/v1/batches/{id}")["images"][0]["status"] == "queued"
    thaw(simulating)
    batch = until_ended(serving, id)
    assert_exactly(batch, 1)
    assert [each["outcome"] for each in attempts(serving, id)] == ["stored"]
    assert len(simulating.renderings()) == 1
    [made] = painted(simulating, tmp_path / "output").values()
    assert list(served(serving, batch).values()) == [made]


def test_a_picture_that_was_given_up_overtakes_the_one_that_is_being_drawn(
    processes: Processes, tmp_path: Path
) -> None:
    """A server freezes, another one begins the image anew and takes long; the first comes back with
    the whole picture: it is taken at once, the other rendering is cancelled and counted."""
    quick = processes.simulate("--output", str(tmp_path / "quick"), seconds=1.5)
    slow = processes.simulate("--output", str(tmp_path / "slow"), seconds=40)
    serving = processes.serve([quick.url, slow.url], config=SHORT)
    until(serving, lambda: ready(serving, "b1", "b2"))
    serving.post("/v1/backends/b2/drain", None)
    id = serving.post("/v1/batches", ORDER)["id"]
    until(serving, quick.renderings)
    freeze(quick)
    serving.post("/v1/backends/b2/resume", None)
    until(serving, slow.renderings)
    thaw(quick)
    batch = until_ended(serving, id, seconds=30)
    assert_exactly(batch, 1)
    outcomes = {each["backend"]: each["outcome"] for each in attempts(serving, id)}
    assert outcomes == {"b1": "stored", "b2": "spare"}
    [made] = painted(quick, tmp_path / "quick").values()
    assert list(served(serving, batch).values()) == [made]
    until(serving, lambda: slow.renderings()[0]["outcome"] == "interrupted")
    ghosts = {each["name"]: each["ghosts"] for each in serving.get("/v1/backends")["data"]}
    assert ghosts == {"b1": 0, "b2": 1}


def test_a_rendering_that_was_given_up_is_cancelled_when_its_image_has_a_picture(
    processes: Processes,
) -> None:
    """A server freezes, another one stores the image; the first goes on drawing what nobody waits
    for: it is interrupted by its own id and counted, and the image stays as it is."""
    frozen, quick = processes.simulate(seconds=60), processes.simulate(seconds=0.2)
    serving = processes.serve([frozen.url, quick.url], config=SHORT)
    until(serving, lambda: ready(serving, "b1", "b2"))
    serving.post("/v1/backends/b2/drain", None)
    id = serving.post("/v1/batches", ORDER)["id"]
    until(serving, frozen.renderings)
    freeze(frozen)
    serving.post("/v1/backends/b2/resume", None)
    batch = until_ended(serving, id)
    assert_exactly(batch, 1)
    before = served(serving, batch)
    thaw(frozen)
    until(serving, lambda: frozen.renderings()[0]["outcome"] == "interrupted")
    assert served(serving, batch) == before
    outcomes = {each["backend"]: each["outcome"] for each in attempts(serving, id)}
    assert outcomes == {"b1": "lost", "b2": "stored"}
    until(serving, lambda: serving.get("/v1/backends")["data"][0]["ghosts"] == 1)


def test_a_post_that_a_frozen_server_reads_late_is_a_ghost(processes: Processes) -> None:
    """A server is frozen as it is sent a prompt, so that its kernel keeps the POST; another one
    stores the image. When the server goes on it begins with what it finds: that is taken from it
    by its own id and counted, and nothing is stored twice."""
    frozen, quick = processes.simulate(seconds=60), processes.simulate(seconds=0.2)
    serving = processes.serve([frozen.url, quick.url], config=SHORT)
    until(serving, lambda: ready(serving, "b1", "b2"))
    serving.post("/v1/backends/b2/drain", None)
    freeze(frozen)
    id = serving.post("/v1/batches", ORDER)["id"]
    until(serving, lambda: attempts(serving, id))
    serving.post("/v1/backends/b2/resume", None)
    batch = until_ended(serving, id)
    assert_exactly(batch, 1)
    before = served(serving, batch)
    assert {each["backend"]: each["outcome"] for each in attempts(serving, id)}["b2"] == "stored"
    thaw(frozen)
    until(serving, frozen.renderings)
    until(serving, lambda: frozen.renderings()[0]["outcome"] == "interrupted")
    until(serving, lambda: serving.get("/v1/backends")["data"][0]["ghosts"] == 1)
    assert served(serving, batch) == before
    assert [each["outcome"] for each in attempts(serving, id)].count("stored") == 1
    assert len(frozen.renderings()) == len(quick.renderings()) == 1
