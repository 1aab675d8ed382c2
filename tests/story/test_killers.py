"""Graphs that kill the render servers which draw them, and graphs that only look like it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.processes import QUICK, Processes, Serving, Simulating, until_ended
from tests.story.pictures import assert_exactly
from tests.waiting import until

ORDER = {"user": "ann", "character": "mira", "prompt": "on a beach", "quantity": 1}
LONG = 60.0  # s that a rendering takes which will be killed
SEEN = 1.5  # s after which a rendering is known to run, and longer


def with_another_workflow(home: Path) -> str:
    """Settings of a second workflow with a graph of its own, and a character drawn with it."""
    graph = json.loads(QUICK.read_text())
    graph["99"] = {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0},
    }
    (home / "other.json").write_text(json.dumps(graph))
    return (
        '[workflows.other]\nfile = "other.json"\n'
        '[characters.nix]\nname = "Nix"\nworkflow = "other"\n'
    )


def restarted(processes: Processes, simulating: Simulating, seconds: float) -> Simulating:
    """The same server again after kill -9."""
    simulating.process.kill()
    port = int(simulating.url.rsplit(":", 1)[1])
    return processes.simulate(port=port, seconds=seconds)


def until_it_draws(simulating: Simulating) -> None:
    """Until one rendering has run for a while, so that it was seen."""
    until(lambda: any(one["outcome"] is None for one in simulating.renderings()))
    began = simulating.renderings()[-1]["started"]
    until(lambda: time.time() > began + SEEN)


def image_of(serving: Serving, batch: str) -> dict[str, Any]:
    [image] = serving.get(f"/v1/batches/{batch}")["images"]
    found: dict[str, Any] = serving.get(f"/v1/images/{image['id']}")
    return found


def outcomes(serving: Serving, batch: str) -> list[str]:
    return [each["outcome"] for each in image_of(serving, batch)["attempts"]]


def held(serving: Serving, workflow: str = "quick") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = serving.get(f"/v1/workflows/{workflow}")["held"]
    return found


def test_a_graph_that_kills_its_server_twice_is_held_until_it_is_resumed(
    processes: Processes,
) -> None:
    """A server dies twice under the same workflow: the image fails with the reason, what is ordered
    of it afterwards waits and says why, also after a restart; other workflows are drawn. When
    somebody resumes it, what waited is drawn."""
    simulating = processes.simulate(seconds=LONG)
    config = with_another_workflow(processes.home)
    serving = processes.serve([simulating.url], config=config)
    killer = serving.post("/v1/batches", ORDER)["id"]
    for _ in range(2):
        until_it_draws(simulating)
        simulating = restarted(processes, simulating, LONG)
    batch = until_ended(serving, killer)
    assert batch["images"][0]["error"]["code"] == "kills-backends"
    assert "b1 died again and again" in batch["images"][0]["error"]["detail"]
    assert outcomes(serving, killer) == ["died", "died"]
    simulating = restarted(processes, simulating, 0.05)
    waiting = serving.post("/v1/batches", ORDER)["id"]
    serving.process.kill()
    serving = processes.serve([simulating.url], config=config)
    assert_exactly(serving.order(2, character="nix"), 2)
    [hold] = held(serving)
    assert (hold["pool"], hold["backends"]) == ("default", ["b1"])
    told = serving.get(f"/v1/batches/{waiting}")
    assert told["status"] == "queued"
    assert told["held"] == told["images"][0]["held"] == hold["reason"]
    assert image_of(serving, waiting)["held"] == hold["reason"]
    assert serving.get("/v1/workflows/other")["held"] == []
    asking = {"SAFELIGHT_URL": serving.url}
    resuming = processes.start("workflows", "resume", "quick", environ=asking)
    assert resuming.popen.wait(60) == 0, resuming.lines
    assert_exactly(until_ended(serving, waiting), 1)
    assert held(serving) == []


def test_a_server_that_is_away_for_long_is_found_dead_when_it_is_back(
    processes: Processes,
) -> None:
    """Each time the server stays away so long that its image is given up; it comes back without
    it, and after the second time the workflow is held."""
    simulating = processes.simulate(seconds=LONG)
    serving = processes.serve([simulating.url], config="[rendering]\nlost_after = 1\n")
    id = serving.post("/v1/batches", ORDER)["id"]
    for _ in range(2):
        until_it_draws(simulating)
        simulating.process.kill()
        until(lambda: outcomes(serving, id)[-1] == "lost")
        simulating = restarted(processes, simulating, LONG)
    batch = until_ended(serving, id)
    assert batch["images"][0]["error"]["code"] == "kills-backends"
    assert outcomes(serving, id) == ["died", "died"]
    assert len(held(serving)) == 1


def test_an_innocent_graph_is_not_held_though_its_servers_die(processes: Processes) -> None:
    """Two servers are killed under the same workflow again and again, and each time its picture
    comes all the same: nothing is held."""
    first, second = (processes.simulate(seconds=LONG) for _ in range(2))
    serving = processes.serve([first.url, second.url])
    for _ in range(2):
        for name, other in (("b1", "b2"), ("b2", "b1")):
            serving.post(f"/v1/backends/{other}/drain", None)
            id = serving.post("/v1/batches", ORDER)["id"]
            drawing = first if name == "b1" else second
            until_it_draws(drawing)
            drawing = restarted(processes, drawing, 0.05)
            assert_exactly(until_ended(serving, id), 1)
            assert outcomes(serving, id) == ["died", "stored"]
            drawing = restarted(processes, drawing, LONG)
            first, second = (drawing, second) if name == "b1" else (first, drawing)
            serving.post(f"/v1/backends/{other}/resume", None)
    assert held(serving) == []
