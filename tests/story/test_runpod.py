"""A RunPod endpoint keeps the promises too, though it names its jobs itself and tells it once."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.processes import Processes, Serving, Simulating, until_ended
from tests.renderers.runpod_server import KEY
from tests.story.pictures import assert_exactly, painted, served

ROOT = Path(__file__).parents[2]
ORDER = {"user": "ann", "character": "mira", "prompt": ""}
SETTLED = 20 + 10 + 6  # s: until it arrives, lives, runs


class Cloud:
    """A running stand-in."""

    def __init__(self, processes: Processes, *comfyui: Simulating, **faults: int) -> None:
        command = [sys.executable, "-m", "tests.renderers.runpod_server"]
        for simulating in comfyui:
            command += ["--comfyui", simulating.url]
        named = {name.replace("_", "-"): times for name, times in faults.items()}
        command += ["--faults", json.dumps(named)]
        self.process = processes.spawn(command, cwd=ROOT)
        self.url = self.process.line_with("ready ").split()[1]

    def config(self) -> str:
        """Its entry in safelight.toml, with the shortest life for a job that RunPod allows."""
        return (
            f'[[backends]]\nname = "cloud"\nkind = "runpod"\nurl = "{self.url}"\n'
            f'token = "{KEY}"\nttl = 10\nexecution_timeout = 6\n'
        )

    def fault(self, name: str, times: int) -> None:
        """From now on this happens so often."""
        address = self.url.replace("/v2/pictures", "/stand-in/faults")
        body = json.dumps({name: times}).encode()
        with urllib.request.urlopen(urllib.request.Request(address, body, method="POST")) as answer:
            assert answer.status == 200

    def jobs(self) -> list[str]:
        """The status of every job there ever was, oldest first."""
        with urllib.request.urlopen(self.url.replace("/v2/pictures", "/stand-in/jobs")) as answer:
            return [job["status"] for job in json.load(answer)]


def attempts_of(serving: Serving, image: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = serving.get(f"/v1/images/{image['id']}")["attempts"]
    return found


def originals(processes: Processes) -> list[Path]:
    """What lies in the store."""
    return list((processes.home / "state" / "store").rglob("*.png"))


def until_jobs(cloud: Cloud, *statuses: str) -> None:
    deadline = time.monotonic() + 30
    while Counter(cloud.jobs()) != Counter(statuses):
        assert time.monotonic() < deadline, cloud.jobs()
        time.sleep(0.05)


def test_four_images_are_four_jobs_and_four_pictures(processes: Processes) -> None:
    """An order for four gives four jobs, each painted, each image served from its own."""
    simulating = processes.simulate("--output", str(processes.home / "out"), seconds=0.2)
    cloud = Cloud(processes, simulating)
    serving = processes.serve(config=cloud.config())
    batch = serving.order(4)
    assert_exactly(batch, 4)
    pictures = served(serving, batch)
    assert len(set(pictures.values())) == 4
    assert sorted(pictures.values()) == sorted(painted(simulating, processes.home / "out").values())
    assert {one["outcome"] for one in simulating.renderings()} == {"success"}
    assert cloud.jobs() == ["COMPLETED"] * 4
    assert KEY not in "\n".join(serving.process.lines)
    assert KEY not in json.dumps(serving.get("/v1/backends"))


def test_a_cloud_that_hiccups_costs_time_but_no_job(processes: Processes) -> None:
    """Errors, HTML, "not now", "never heard of it" and unknown words between: no job is posted
    twice, and every image is stored."""
    hiccups = {f"status_{kind}": 2 for kind in ("500", "html", "429", "404", "strange", "reset")}
    cloud = Cloud(processes, processes.simulate(seconds=0.2), run_429=2, health_502=1, **hiccups)
    serving = processes.serve(config=cloud.config())
    batch = serving.order(4)
    assert_exactly(batch, 4)
    assert cloud.jobs() == ["COMPLETED"] * 4


def test_a_lost_answer_is_waited_out_and_then_drawn_once_more(processes: Processes) -> None:
    """The job was made and its id lost: its picture cannot be found, so the image waits until the
    job can no longer exist, is then drawn once more, and stored once."""
    cloud = Cloud(processes, processes.simulate(seconds=0.1), run_lost=1)
    serving = processes.serve(config=cloud.config())
    batch = serving.order(1, wait=120)
    assert_exactly(batch, 1)
    lost, stored = attempts_of(serving, batch["images"][0])
    assert (lost["outcome"], stored["outcome"]) == ("lost", "stored")
    doubt = datetime.fromisoformat(stored["started_at"]) - datetime.fromisoformat(
        lost["started_at"]
    )
    assert doubt.total_seconds() >= SETTLED
    assert cloud.jobs() == ["COMPLETED"] * 2
    assert len(originals(processes)) == 1


def test_a_killed_serve_loses_no_image(processes: Processes) -> None:
    """kill -9 in the middle of a batch: what the killed process knew of its jobs is gone, so they
    are waited out; in the end all images are stored, and those stored before are not drawn again.
    """
    cloud = Cloud(processes, processes.simulate(seconds=0.7))
    serving = processes.serve(config=cloud.config())
    id = serving.post("/v1/batches", {**ORDER, "quantity": 4})["id"]
    deadline = time.monotonic() + 30
    while serving.get(f"/v1/batches/{id}")["counts"]["stored"] < 1:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    serving.process.kill()
    serving = processes.serve(config=cloud.config())
    batch = until_ended(serving, id, 150)
    assert_exactly(batch, 4)
    assert len(set(served(serving, batch).values())) == 4
    # Two in flight at most were lost with the process.
    assert 4 <= len(cloud.jobs()) <= 6


def test_a_job_that_was_given_up_gives_its_picture_when_it_can_be_asked(
    processes: Processes,
) -> None:
    """An endpoint that does not say how its job is for too long is given up; when it answers again
    one picture is taken, whichever is whole first, and no job is left that nobody waits for."""
    cloud = Cloud(processes, processes.simulate(seconds=4))
    serving = processes.serve(config=cloud.config() + "[rendering]\nlost_after = 1\n")
    id = serving.post("/v1/batches", {**ORDER, "quantity": 1})["id"]
    until_jobs(cloud, "IN_PROGRESS")
    cloud.fault("status-500", 5)
    batch = until_ended(serving, id)
    assert_exactly(batch, 1)
    outcomes = [one["outcome"] for one in attempts_of(serving, batch["images"][0])]
    assert outcomes.count("stored") == 1
    assert set(outcomes) <= {"stored", "lost", "spare"}
    end = time.monotonic() + 45
    while set(cloud.jobs()) & {"IN_QUEUE", "IN_PROGRESS"}:
        assert time.monotonic() < end, cloud.jobs()
        time.sleep(0.1)


def test_out_of_memory_in_the_cloud_is_tried_once_more(processes: Processes) -> None:
    """worker-comfyui says it in the details of a failed job; it is recognised all the same."""
    cloud = Cloud(processes, processes.simulate("--fault", "oom:1"))
    serving = processes.serve(config=cloud.config())
    batch = serving.order(1)
    assert batch["images"][0]["error"]["code"] == "out-of-memory"
    assert cloud.jobs() == ["FAILED"] * 2


def test_a_wrong_key_sends_nothing_and_says_so(processes: Processes) -> None:
    """The order waits, no job is made, and the list of backends says what is wrong."""
    cloud = Cloud(processes, processes.simulate())
    serving = processes.serve(config=cloud.config().replace(KEY, "rpa_not_this_one"))
    assert serving.order(1, wait=2)["status"] == "queued"
    (backend,) = serving.get("/v1/backends")["data"]
    assert (backend["state"], backend["reason"]) == ("resting", "HTTP 401")
    assert cloud.jobs() == []
    assert "rpa_not_this_one" not in "\n".join(serving.process.lines)


def test_a_comfyui_and_a_cloud_share_a_batch(processes: Processes) -> None:
    """One pool with a server of one's own and an endpoint: both draw, and it is exactly right."""
    cloud = Cloud(processes, processes.simulate(seconds=0.2))
    own = processes.simulate(seconds=0.5)
    serving = processes.serve([own.url], config=cloud.config())
    batch = serving.order(12)
    assert_exactly(batch, 12)
    assert len(set(served(serving, batch).values())) == 12
    drawn_by = Counter(
        serving.get(f"/v1/images/{image['id']}")["backend"] for image in batch["images"]
    )
    assert set(drawn_by) == {"b1", "cloud"}
    assert len(own.renderings()) == drawn_by["b1"]
    assert len(cloud.jobs()) == drawn_by["cloud"]


def test_doctor_asks_the_endpoint_and_makes_no_job(processes: Processes) -> None:
    """It says that the endpoint answers, or that the key is wrong, and what to do; nothing more."""
    cloud = Cloud(processes, processes.simulate())
    processes.configure([], cloud.config())
    well = processes.start("doctor")
    well.line_with("the RunPod endpoint answers")
    assert well.popen.wait(30) == 0
    processes.configure([], cloud.config().replace(KEY, "rpa_not_this_one"))
    ill = processes.start("doctor")
    assert ill.popen.wait(30) == 1
    ill.line_with("Check the API key")
    assert "rpa_not_this_one" not in "\n".join(ill.lines)
    assert cloud.jobs() == []
