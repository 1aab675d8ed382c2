"""kill -9 at any moment: nothing lost, nothing rendered twice that can still be reached."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.processes import Processes, Serving, until_ended
from tests.story.pictures import assert_exactly, painted, served

ORDER = {"user": "ann", "character": "mira", "prompt": "storm", "quantity": 8}


def until_stored(serving: Serving, id: str, count: int, seconds: float = 60) -> None:
    """Until so many of its images are stored."""
    until = time.monotonic() + seconds
    while True:
        images = serving.get(f"/v1/batches/{id}")["images"]
        if sum(image["status"] == "stored" for image in images) >= count:
            return
        assert time.monotonic() < until, serving.described(images)
        time.sleep(0.01)


@pytest.mark.parametrize("stored", [0, 3, 6])
def test_kill_9_of_serve_in_the_middle_of_a_batch_loses_nothing(
    processes: Processes, tmp_path: Path, stored: int
) -> None:
    """serve is killed while a batch of eight runs and started again: all eight are stored, the
    render server has rendered eight pictures and no more, and ours are the same pixel for pixel."""
    output = tmp_path / "output"
    simulating = processes.simulate("--output", str(output), seconds=0.4)
    first = processes.serve([simulating.url])
    id = first.post("/v1/batches", ORDER)["id"]
    until_stored(first, id, stored)
    time.sleep(0.2)
    first.process.kill()
    second = processes.serve([simulating.url])
    batch = until_ended(second, id)
    assert_exactly(batch, 8)
    made = painted(simulating, output)
    assert len(simulating.renderings()) == len(made) == 8
    shown = served(second, batch)
    for image in batch["images"]:
        prompt_id = second.get(f"/v1/images/{image['id']}")["prompt_id"]
        assert shown[image["id"]] == made[prompt_id]


def test_kill_9_of_the_render_server_loses_nothing(processes: Processes, tmp_path: Path) -> None:
    """ComfyUI is killed with two prompts in its queue and comes back without them: all eight
    images are stored under their indices and no two are the same."""
    output = tmp_path / "output"
    simulating = processes.simulate("--output", str(output), seconds=0.3)
    serving = processes.serve([simulating.url])
    id = serving.post("/v1/batches", ORDER)["id"]
    until_stored(serving, id, 2)
    simulating.process.kill()
    time.sleep(0.5)
    port = int(simulating.url.rsplit(":", 1)[1])
    processes.simulate("--output", str(output), port=port, seconds=0.3)
    batch = until_ended(serving, id)
    assert_exactly(batch, 8)
    assert len(set(served(serving, batch).values())) == 8


def test_a_restarted_serve_goes_on_while_the_key_replays_the_batch(
    processes: Processes,
) -> None:
    """A client that sends its order again after a crash of serve gets the batch it had ordered."""
    simulating = processes.simulate(seconds=0.2)
    first = processes.serve([simulating.url])
    key = {"Idempotency-Key": "order-1"}
    id = first.post("/v1/batches", ORDER, key)["id"]
    first.process.kill()
    second = processes.serve([simulating.url])
    batch = second.post("/v1/batches", ORDER, key, wait=60)
    assert batch["id"] == id
    assert_exactly(batch, 8)


def test_sigterm_leaves_nothing_running_and_nothing_lost(processes: Processes) -> None:
    """serve stops within five seconds when it is asked to, with prompts at the backend, and its
    successor takes them over at once."""
    simulating = processes.simulate(seconds=0.5)
    first = processes.serve([simulating.url])
    id = first.post("/v1/batches", ORDER)["id"]
    until_stored(first, id, 1)
    began = time.monotonic()
    assert first.process.stop() == 0
    assert time.monotonic() - began < 5
    second = processes.serve([simulating.url])
    assert_exactly(until_ended(second, id), 8)
    assert len(simulating.renderings()) == 8


def test_kill_9_of_the_embedded_database_loses_nothing(processes: Processes) -> None:
    """PostgreSQL itself is killed while eight images are rendered; serve starts it again and
    every image comes, rendered once."""
    simulating = processes.simulate(seconds=0.4)
    processes.database_url = ""
    serving = processes.serve([simulating.url])
    id = serving.post("/v1/batches", ORDER)["id"]
    until_stored(serving, id, 2)
    postmaster = processes.home / "state" / "postgres" / "cluster" / "postmaster.pid"
    os.kill(int(postmaster.read_text().split()[0]), signal.SIGKILL)
    batch = until_ended(serving, id)
    assert_exactly(batch, 8)
    assert len(simulating.renderings()) == 8
    assert serving.process.stop() == 0
    assert not postmaster.exists()
