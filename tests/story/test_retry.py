"""Retry: failed images again, under the same indices, with new seeds and nothing held against."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.processes import Processes, Serving, until_ended
from tests.story.canceling import (
    BATCH_ENDINGS,
    asked,
    assert_counted,
    events_of,
    image_of,
    ordered,
    until,
)
from tests.story.pictures import assert_exactly, served


def endings(serving: Serving, id: str) -> list[str]:
    """Every end of the batch that was told."""
    return [e["type"] for e in events_of(serving, id) if e["type"] in BATCH_ENDINGS]


def seeds(batch: Any) -> dict[int, int]:
    """Index → seed."""
    return {image["index"]: image["seed"] for image in batch["images"]}


def test_failed_images_come_under_their_indices_with_new_seeds(processes: Processes) -> None:
    """A whole batch was refused by its backend, is retried and completes: the same indices, other
    seeds, different pictures, and both ends are told in their order."""
    simulating = processes.simulate("--fault", "reject:1", seconds=1)
    serving = processes.serve([simulating.url])
    failed = serving.order(4)
    assert failed["status"] == "failed"
    status, problem = asked(serving, f"/v1/batches/{failed['id']}/cancel")
    assert (status, problem["code"]) == (409, "already-failed")
    status, problem = asked(serving, f"/v1/images/{failed['images'][0]['id']}/cancel")
    assert (status, problem["code"]) == (409, "already-failed")
    simulating.fault("reject", 0)
    status, again = asked(serving, f"/v1/batches/{failed['id']}/retry")
    assert (status, again["status"], again["ended_at"]) == (200, "running", None)
    assert again["counts"] == {"stored": 0, "failed": 0, "canceled": 0}
    assert again["last_event"] > failed["last_event"]
    ended = until_ended(serving, failed["id"])
    assert_exactly(ended, 4)
    assert ended["indices"] == failed["indices"]
    assert not set(seeds(ended).values()) & set(seeds(failed).values())
    assert all("error" not in image for image in ended["images"])
    assert not any(image["seed_replaced"] for image in ended["images"])
    assert len(set(served(serving, ended).values())) == 4
    assert {r["seed"] for r in simulating.renderings()} == set(seeds(ended).values())
    assert endings(serving, failed["id"]) == ["batch.failed", "batch.completed"]
    told = [e["data"] for e in events_of(serving, failed["id"]) if e["type"] == "image.queued"]
    assert [data["reason"] for data in told] == ["retry"] * 4
    assert {data["index"]: data["seed"] for data in told} == seeds(ended)
    status, problem = asked(serving, f"/v1/batches/{failed['id']}/retry")
    assert (status, problem["code"]) == (409, "nothing-to-retry")


def test_only_what_has_failed_is_retried_and_an_explicit_seed_is_seen_to_be_replaced(
    processes: Processes,
) -> None:
    """Of a partial batch one image is retried by itself and then the rest; what is stored keeps
    its seed, its file and its place, and replaced seeds say so."""
    simulating = processes.simulate(seconds=0.3)
    serving = processes.serve([simulating.url])
    batch = ordered(serving, 6, seed=100)
    until(lambda: serving.get(f"/v1/batches/{batch['id']}")["counts"]["stored"])
    simulating.fault("reject", 1)
    partial = until_ended(serving, batch["id"])
    assert partial["status"] == "partial"
    failed = [image for image in partial["images"] if image["status"] == "failed"]
    kept = [image for image in partial["images"] if image["status"] == "stored"]
    assert len(failed) >= 2
    files = {image["id"]: serving.read(image["url"]) for image in kept}
    simulating.fault("reject", 0)
    status, problem = asked(serving, f"/v1/images/{kept[0]['id']}/retry")
    assert (status, problem["code"]) == (409, "nothing-to-retry")
    status, image = asked(serving, f"/v1/images/{failed[0]['id']}/retry")
    assert (status, image["seed_replaced"]) == (200, True)
    assert image["status"] in ("queued", "dispatched")
    assert image["timings"]["finished_at"] is None
    assert (image["timings"]["queued_seconds"] or 0) >= 0
    one = until_ended(serving, batch["id"])
    assert one["counts"]["stored"] == partial["counts"]["stored"] + 1
    assert_counted(one)
    assert asked(serving, f"/v1/batches/{batch['id']}/retry")[0] == 200
    ended = until_ended(serving, batch["id"])
    assert_exactly(ended, 6)
    assert len(set(served(serving, ended).values())) == 6
    replaced = {image["index"] for image in ended["images"] if image["seed_replaced"]}
    assert replaced == {image["index"] for image in failed}
    for index, seed in seeds(ended).items():
        assert (seed == 99 + index) == (index not in replaced)
    assert files == {id: serving.read(f"/v1/images/{id}/file") for id in files}
    told = endings(serving, batch["id"])
    assert told[0] == "batch.partial"
    assert told[-1] == "batch.completed"
    assert told.count("batch.completed") == 1


def test_misfortunes_are_counted_from_zero(processes: Processes) -> None:
    """A graph that raises is tried three times; after a retry, three times more, and the batch's
    failure is told again."""
    simulating = processes.simulate("--lab", seconds=0)
    graph = Path(__file__).parents[1] / "workflows" / "error.json"
    serving = processes.serve(
        [simulating.url],
        config=f'[workflows.broken]\nfile = "{graph}"\n[characters.ben]\nworkflow = "broken"\n',
    )
    batch = serving.order(1, character="ben")
    assert batch["status"] == "failed"
    assert len(simulating.renderings()) == 3
    assert asked(serving, f"/v1/batches/{batch['id']}/retry")[0] == 200
    again = until_ended(serving, batch["id"])
    assert again["images"][0]["error"]["code"] == "execution-failed"
    assert len(simulating.renderings()) == 6
    first, second = {r["seed"] for r in simulating.renderings()}
    assert first != second
    assert endings(serving, batch["id"]) == ["batch.failed", "batch.failed"]


def test_twins_before_a_retry_do_not_count_after_it(processes: Processes) -> None:
    """A workflow that ignores its seed makes twins until the image fails; a retry has as many
    tries as the first round had."""
    simulating = processes.simulate(seconds=0)
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
    id = next(image["id"] for image in batch["images"] if image["status"] == "failed")
    before = [a["outcome"] for a in image_of(serving, id)["attempts"]]
    assert asked(serving, f"/v1/images/{id}/retry")[0] == 200
    until_ended(serving, batch["id"])
    after = [a["outcome"] for a in image_of(serving, id)["attempts"]]
    assert after == before * 2
    assert set(after) == {"twin"}


def test_a_retry_after_the_deadline_has_its_time_anew(processes: Processes) -> None:
    """No backend answered until the batch's deadline; one that is retried afterwards, when the
    backend is there, does not fail at once."""
    gone = processes.simulate()
    gone.process.kill()
    serving = processes.serve([gone.url], config="[rendering]\ndeadline = 5\n")
    failed = serving.order(2)
    assert failed["status"] == "failed"
    assert {i["error"]["code"] for i in failed["images"]} == {"deadline-passed"}
    processes.simulate(port=int(gone.url.rsplit(":", 1)[1]))
    until(lambda: serving.get("/v1/backends")["data"][0]["state"] == "ready")
    assert asked(serving, f"/v1/batches/{failed['id']}/retry")[0] == 200
    ended = until_ended(serving, failed["id"])
    assert_exactly(ended, 2)
    assert datetime.fromisoformat(ended["deadline"]) > datetime.fromisoformat(failed["deadline"])
    assert datetime.fromisoformat(ended["deadline"]).timestamp() > time.time() - 60


def test_a_canceled_image_is_not_retried(processes: Processes) -> None:
    """Canceled is final: a retry of its batch is refused, and nothing is rendered."""
    simulating = processes.simulate("--fault", "reject:1", seconds=0)
    simulating.process.kill()
    serving = processes.serve([simulating.url])
    batch = ordered(serving, 2)
    status, canceled = asked(serving, f"/v1/batches/{batch['id']}/cancel")
    assert (status, canceled["status"]) == (200, "canceled")
    assert endings(serving, batch["id"]) == ["batch.canceled"]
    for path in (f"batches/{batch['id']}", f"images/{batch['images'][0]['id']}"):
        status, problem = asked(serving, f"/v1/{path}/retry")
        assert (status, problem["code"]) == (409, "nothing-to-retry")
    assert serving.get(f"/v1/batches/{batch['id']}") == canceled
