"""Set-ups in which pictures would be lost or GPUs driven twice are refused, with the next step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.processes import Process, Processes, Serving, until_ended
from tests.story.pictures import assert_exactly
from tests.waiting import until

OTHER_MACHINE = {"SAFELIGHT_MACHINE": "beta"}


def working(
    processes: Processes, backends: Mapping[str, str], *, environ: Mapping[str, str] | None = None
) -> Process:
    """`work` with a settings file of its own, these backends by name in it."""
    config = processes.home / f"{'-'.join(backends)}-{len(list(processes.home.iterdir()))}.toml"
    entries = [f'[[backends]]\nname = "{name}"\nurl = "{url}"\n' for name, url in backends.items()]
    config.write_text("".join(entries))
    return processes.start("work", "--config", str(config), environ=environ)


def refusal(process: Process) -> str:
    """What it says when it refuses to start."""
    code = process.popen.wait(30)
    process.end_of_lines()
    said = " ".join("\n".join(process.lines).split())
    assert code == 2, said
    return said


def backends(serving: Serving) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in serving.get("/v1/backends")["data"]}


def test_a_second_machine_with_a_folder_of_its_own_is_refused(processes: Processes) -> None:
    """A worker with another folder of originals than the API's would write what nobody can read: it
    is refused with exit code 2, and told to set [store] url. The same for two folders on one
    machine; two processes with one folder work, also when they name it by different paths."""
    serving = processes.serve([processes.simulate(seconds=0.3).url])
    here = processes.home / "state" / "store"
    other = processes.start(
        "work", environ={"SAFELIGHT_HOME": str(processes.home / "other"), **OTHER_MACHINE}
    )
    said = refusal(other)
    assert f"lie in {here} on " in said
    assert "set [store] url to a bucket (s3://…) or to one shared folder" in said
    two = f"{processes.home}/two"
    second = processes.start("work", environ={"SAFELIGHT_STORE__URL": f"file://{two}"})
    assert f"not in {two} on " in refusal(second)
    mounted = processes.home / "mounted"
    mounted.symlink_to(here)
    same = {
        "SAFELIGHT_STORE__URL": f"file://{mounted}",
        "SAFELIGHT_HOME": str(processes.home / "x"),
    }
    gpu = processes.simulate(seconds=0.3)
    beside = working(processes, {"gpu-2": gpu.url}, environ={**same, **OTHER_MACHINE})
    beside.line_with("Safelight works for")
    until(lambda: backends(serving)["gpu-2"]["state"] == "ready")
    assert_exactly(serving.order(8), 8)
    assert gpu.renderings()


def test_a_bucket_beside_a_folder_is_refused(processes: Processes) -> None:
    """An API with the local folder and a worker with a bucket would be two stores."""
    processes.serve([processes.simulate().url])
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "eu-central-1"}
    bucket = {"SAFELIGHT_STORE__URL": "s3://pictures/originals", **keys}
    said = refusal(processes.start("work", environ=bucket))
    assert "not in s3://pictures/originals" in said


def test_a_store_may_move_with_its_pictures_and_not_without(processes: Processes) -> None:
    """When everything is stopped, the pictures may be copied to another folder: the next start
    finds the newest of them there and goes on. A folder without them is refused."""
    simulating = processes.simulate()
    first = processes.serve([simulating.url])
    batch = first.order(3)
    assert first.process.stop() == 0
    kept, copied = processes.home / "state" / "store", processes.home / "copied"
    empty = {"SAFELIGHT_STORE__URL": f"file://{processes.home}/empty"}
    said = refusal(processes.start("serve", "--port", "0", environ=empty))
    assert "If the pictures were moved, copy all of them here first" in said
    for image in batch["images"]:
        name = next(path for path in kept.rglob(f"{image['index']:05d}-*.png"))
        target = copied / name.relative_to(kept)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(name.read_bytes())
    moved = {"SAFELIGHT_STORE__URL": f"file://{copied}"}
    second = processes.serve([simulating.url], environ=moved)
    assert all(second.read(f"/v1/images/{image['id']}/file") for image in batch["images"])
    index = copied / "ann" / "mira" / "index.txt"
    until(lambda: index.exists() and index.read_text() == "3\n")
    assert_exactly(second.order(1), 1)


def test_an_unused_store_may_be_changed(processes: Processes) -> None:
    """Who has stored nothing yet and names another folder is not held to the first one."""
    simulating = processes.simulate()
    assert processes.serve([simulating.url]).process.stop() == 0
    elsewhere = {"SAFELIGHT_STORE__URL": f"file://{processes.home}/elsewhere"}
    assert_exactly(processes.serve([simulating.url], environ=elsewhere).order(1), 1)


def test_a_loopback_address_is_a_backend_of_its_machine_only(processes: Processes) -> None:
    """Two machines may both have a ComfyUI at http://127.0.0.1:8188; they are two servers. The
    second machine's worker is told to name its own differently, and then both draw."""
    first, second = processes.simulate(), processes.simulate()
    serving = processes.serve([], "--no-worker")
    working(processes, {"pod-1": first.url}).line_with("Safelight works for")
    until(lambda: backends(serving)["pod-1"]["state"] == "ready")
    said = refusal(working(processes, {"pod-1": first.url}, environ=OTHER_MACHINE))
    assert '"pod-1" (http://127.0.0.1:' in said
    assert "is driven by a worker on another machine" in said
    assert "name it differently here" in said
    working(processes, {"pod-2": second.url}, environ=OTHER_MACHINE)
    until(lambda: backends(serving).get("pod-2", {}).get("state") == "ready")
    assert_exactly(serving.order(8), 8)
    assert first.renderings()
    assert second.renderings()


def test_the_same_loopback_address_on_two_machines_is_two_backends(processes: Processes) -> None:
    """One address under two names is one server on one machine and two servers on two: the worker
    of the other machine never takes the first one's lease, even when that is free."""
    simulating = processes.simulate()
    serving = processes.serve([], "--no-worker")
    one = working(processes, {"pod-1": simulating.url})
    until(lambda: backends(serving)["pod-1"]["worker"] is not None)
    owner = backends(serving)["pod-1"]["worker"]
    two = working(processes, {"pod-2": simulating.url}, environ=OTHER_MACHINE)
    until(lambda: backends(serving).get("pod-2", {}).get("worker") is not None)
    assert backends(serving)["pod-1"]["worker"] == owner
    one.kill()
    until(lambda: two.lines_with("lease gained") == 1)
    assert_exactly(serving.order(2), 2)
    assert backends(serving)["pod-1"]["worker"] in (owner, None)


def test_a_name_with_two_addresses_is_refused(processes: Processes) -> None:
    """A worker whose `gpu-1` is another server than a running worker's is told to rename it; when
    the other has stopped, the name may lead elsewhere."""
    first, second = processes.simulate(), processes.simulate()
    serving = processes.serve([], "--no-worker")
    one = working(processes, {"gpu-1": first.url})
    until(lambda: backends(serving)["gpu-1"]["worker"] is not None)
    said = refusal(working(processes, {"gpu-1": second.url}))
    assert f'"gpu-1" is {first.url} for a running worker, and {second.url} here' in said
    assert one.stop() == 0
    working(processes, {"gpu-1": second.url})
    assert_exactly(serving.order(2), 2)
    assert len(second.renderings()) == 2


def test_two_names_for_one_server_are_refused(processes: Processes) -> None:
    """One url under two names is an error within one file, and at the start of a second worker; a
    server may be given another name while nobody drives it, and its open attempts go with it."""
    simulating = processes.simulate(seconds=0.5)
    port = urlsplit(simulating.url).port
    said = refusal(working(processes, {"a": simulating.url, "b": f"http://localhost:{port}/"}))
    assert '"a" and "b" have the same url; keep one' in said
    serving = processes.serve([], "--no-worker")
    one = working(processes, {"a": simulating.url})
    until(lambda: backends(serving)["a"]["worker"] is not None)
    said = refusal(working(processes, {"b": f"http://LOCALHOST:{port}"}))
    assert 'is the same server as "a", which a running worker drives' in said
    body = {"user": "ann", "character": "mira", "prompt": "", "quantity": 4}
    id = serving.post("/v1/batches", body)["id"]
    until(lambda: serving.get(f"/v1/batches/{id}")["counts"]["stored"] >= 1)
    assert one.stop() == 0
    working(processes, {"b": f"http://localhost:{port}"})
    assert_exactly(until_ended(serving, id), 4)
    assert len(simulating.renderings()) == 4


def test_two_ways_to_one_server_are_found_out(processes: Processes, tmp_path: Path) -> None:
    """Two urls lead to one ComfyUI, which no settings can show: as soon as a worker sees prompts
    there that were sent under the other name, one of both rests and says why, and every picture is
    drawn once, in one queue of two."""
    simulating = processes.simulate(seconds=0.5)
    port = urlsplit(simulating.url).port
    behind = f"http://[::ffff:127.0.0.1]:{port}"
    serving = processes.serve([], "--no-worker")
    working(processes, {"gpu-a": simulating.url})
    working(processes, {"gpu-b": behind})
    until(lambda: {each["state"] for each in backends(serving).values()} == {"ready"})
    until(lambda: len(backends(serving)) >= 2)
    batch = serving.order(20)
    assert_exactly(batch, 20)
    found = backends(serving)["gpu-b"]
    assert (found["state"], found["reason"]) == ("resting", "the same server as gpu-a")
    assert len(simulating.renderings()) == 20
    again = serving.order(8)
    drawn = [serving.get(f"/v1/images/{image['id']}")["backend"] for image in again["images"]]
    assert set(drawn) == {"gpu-a"}, json.dumps(again)


def test_two_backends_may_change_names(processes: Processes) -> None:
    """Two names are given to each other's servers while nobody drives them, in the middle of a
    batch: no backend is taken for the other one, and every picture is stored."""
    one, two = processes.simulate(seconds=0.5), processes.simulate(seconds=0.5)
    serving = processes.serve([], "--no-worker")
    before = working(processes, {"a": one.url, "b": two.url})
    until(lambda: {each["state"] for each in backends(serving).values()} == {"ready"})
    body = {"user": "ann", "character": "mira", "prompt": "", "quantity": 12}
    id = serving.post("/v1/batches", body)["id"]
    until(lambda: serving.get(f"/v1/batches/{id}")["counts"]["stored"] >= 2)
    assert before.stop() == 0
    working(processes, {"a": two.url, "b": one.url})
    assert_exactly(until_ended(serving, id), 12)
    assert_exactly(serving.order(12), 12)
    assert {each["state"] for each in backends(serving).values()} == {"ready"}
