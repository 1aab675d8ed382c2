"""What befalls a backend is mended, or said with its name: never hidden behind another picture."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.processes import Processes, until_ended
from tests.story.pictures import assert_exactly, served

ORDER = {"user": "ann", "character": "mira", "prompt": ""}


FAULTS = (
    "drop-websocket",
    "deaf-websocket",
    "slow",
    "lose-history",
    "truncate",
    "cached-duplicate",
    "restart",
    "refuse",
)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_backend_costs_time_but_no_picture(processes: Processes, fault: str) -> None:
    """A backend that does twice one of the things real ones do: the order still ends with exactly
    the images asked for, all different."""
    simulating = processes.simulate(seconds=0.2)
    serving = processes.serve([simulating.url])
    assert_exactly(serving.order(1), 1)
    simulating.fault(fault, 1)
    id = serving.post("/v1/batches", {**ORDER, "quantity": 8})["id"]
    while simulating.struck(fault) < 2:
        time.sleep(0.01)
    simulating.fault(fault, 0)
    batch = until_ended(serving, id)
    assert_exactly(batch, 8)
    assert len(set(served(serving, batch).values())) == 8


@pytest.mark.parametrize("fault", ["truncate", "cached-duplicate"])
def test_what_one_backend_spoils_another_one_draws(processes: Processes, fault: str) -> None:
    """One of two backends gives half pictures, or old ones: each image it spoiled is drawn by the
    other one, from the seed that was asked for, and none is sent to the bad one again."""
    bad, good = processes.simulate(seconds=0.1), processes.simulate(seconds=0.1)
    serving = processes.serve([bad.url, good.url])
    assert_exactly(serving.order(4), 4)
    bad.fault(fault, 1)
    batch = serving.order(8, seed=100)
    assert_exactly(batch, 8)
    assert bad.struck(fault)
    for image in batch["images"]:
        assert image["seed"] == 100 + image["index"] - 5
        *spoiled, last = serving.get(f"/v1/images/{image['id']}")["attempts"]
        assert (last["backend"], last["outcome"]) == ("b2", "stored")
        assert [attempt["backend"] for attempt in spoiled] in ([], ["b1"])


def test_a_prompt_the_backend_refuses_fails_at_once_with_its_words(processes: Processes) -> None:
    """A 400 is not tried again: the image fails and says what the backend said."""
    simulating = processes.simulate("--fault", "reject:1")
    serving = processes.serve([simulating.url])
    batch = serving.order(2)
    assert batch["status"] == "failed"
    for image in batch["images"]:
        assert image["error"]["code"] == "backend-refused"
        detail = serving.get(f"/v1/images/{image['id']}")
        assert [attempt["outcome"] for attempt in detail["attempts"]] == ["refused"]
    assert simulating.renderings() == []


def test_a_graph_that_raises_is_tried_three_times_and_then_fails(processes: Processes) -> None:
    """An execution error is tried twice more, then the image fails with the node's own words."""
    simulating = processes.simulate("--lab", seconds=0)
    graph = Path(__file__).parents[1] / "workflows" / "error.json"
    serving = processes.serve(
        [simulating.url],
        config=f'[workflows.broken]\nfile = "{graph}"\n[characters.ben]\nworkflow = "broken"\n',
    )
    batch = serving.order(1, character="ben")
    assert batch["status"] == "failed"
    assert batch["images"][0]["error"]["code"] == "execution-failed"
    assert "boom" in batch["images"][0]["error"]["detail"]
    assert len(simulating.renderings()) == 3


def test_out_of_memory_is_freed_and_tried_once_more(processes: Processes) -> None:
    """A backend that is always out of memory is asked to free it and tried once more, no longer."""
    simulating = processes.simulate("--fault", "oom:1")
    serving = processes.serve([simulating.url])
    batch = serving.order(1)
    assert batch["images"][0]["error"]["code"] == "out-of-memory"
    assert len(simulating.renderings()) == 2


def test_a_workflow_that_ignores_its_seed_is_told_as_such(processes: Processes) -> None:
    """Equal pixels inside one batch are rendered again with new seeds and then fail by name; the
    first picture is kept."""
    simulating = processes.simulate("--lab", seconds=0)
    graph = processes.home / "same.json"
    graph.write_text(
        '{"1": {"class_type": "EmptyImage",'
        ' "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255}},'
        ' "3": {"class_type": "SaveImage",'
        ' "inputs": {"images": ["1", 0], "filename_prefix": "x", "seed": 1}}}'
    )
    serving = processes.serve(
        [simulating.url],
        config=f'[workflows.same]\nfile = "{graph}"\nslots = {{ seed = "3.seed" }}\n'
        '[characters.ben]\nworkflow = "same"\n',
    )
    batch = serving.order(2, character="ben")
    assert batch["status"] == "partial"
    assert sorted(image["status"] for image in batch["images"]) == ["failed", "stored"]
    failed = next(image for image in batch["images"] if image["status"] == "failed")
    assert failed["error"]["code"] == "duplicate_picture"


def test_nothing_is_lost_while_no_backend_answers(processes: Processes) -> None:
    """An order waits for its backend to come up, and is then drawn."""
    there = processes.simulate()
    there.process.kill()
    serving = processes.serve([there.url])
    id = serving.post(
        "/v1/batches", {"user": "ann", "character": "mira", "prompt": "", "quantity": 4}
    )["id"]
    assert serving.get(f"/v1/batches/{id}")["status"] == "queued"
    assert serving.get("/v1/backends")["data"][0]["state"] == "unreachable"
    processes.simulate(port=int(there.url.rsplit(":", 1)[1]))
    last = serving.read(f"/v1/batches/{id}/events").decode().strip().splitlines()
    assert "event: batch.completed" in last


def test_a_hung_backend_cannot_keep_an_image_past_its_deadline(processes: Processes) -> None:
    """A backend that answers but never finishes is given up when the batch's deadline has passed,
    and the image says so."""
    simulating = processes.simulate("--fault", "zombie:1")
    serving = processes.serve([simulating.url], config="[rendering]\ndeadline = 3\n")
    batch = serving.order(1, wait=30)
    assert batch["status"] == "failed"
    assert batch["images"][0]["error"]["code"] == "deadline-passed"


def test_pictures_wait_while_the_store_is_away(processes: Processes) -> None:
    """The folder of originals vanishes in the middle of a batch: pulling stops, nothing fails, and
    when it is back every picture is stored, rendered once."""
    folder, away = processes.home / "pictures", processes.home / "unmounted"
    simulating = processes.simulate(seconds=0.3)
    serving = processes.serve([simulating.url], config=f'[store]\nurl = "file://{folder}"\n')
    id = serving.post("/v1/batches", {**ORDER, "quantity": 8})["id"]
    while serving.get(f"/v1/batches/{id}")["counts"]["stored"] < 2:
        time.sleep(0.01)
    folder.rename(away)
    serving.process.line_with("pulling stops")
    time.sleep(1)
    assert len(simulating.renderings()) < 8
    assert serving.get(f"/v1/batches/{id}")["status"] == "running"
    away.rename(folder)
    assert_exactly(until_ended(serving, id), 8)
    assert len(simulating.renderings()) == 8
