"""kill -9 while images are deleted: a row may promise too little for a moment, never too much."""

from __future__ import annotations

import contextlib
import http.client
import random
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.processes import Processes, Serving
from tests.waiting import until


def status_of(serving: Serving, path: str, method: str = "GET") -> int:
    request = urllib.request.Request(serving.url + path, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def delete(serving: Serving, id: str) -> bool:
    """Whether it was answered."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return status_of(serving, f"/v1/images/{id}", "DELETE") == 200
    return False


@pytest.mark.parametrize("seed", range(3))
def test_kill_9_while_images_are_deleted(processes: Processes, seed: int) -> None:
    """serve is killed at a random moment while forty images are deleted, and started again. What
    was answered is deleted; what is not deleted has its file, to the byte; and no file of a
    deleted image is left for long."""
    dice = random.Random(seed)
    simulating = processes.simulate(seconds=0)
    first = processes.serve([simulating.url])
    batch = first.order(40)
    ids = [image["id"] for image in batch["images"]]
    keys = {
        id: f"ann/mira/{image['index']:05d}-{first.get(f'/v1/images/{id}')['prompt_id']}.png"
        for id, image in zip(ids, batch["images"], strict=True)
    }
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(delete, first, id) for id in ids]
        time.sleep(dice.uniform(0.01, 0.2))
        first.process.kill()
        answered = {id for id, one in zip(ids, asked, strict=True) if one.result(30)}
    second = processes.serve([simulating.url])
    statuses = {id: status_of(second, f"/v1/images/{id}/file") for id in ids}
    assert set(statuses.values()) <= {200, 410}
    gone = {id for id, status in statuses.items() if status == 410}
    assert answered <= gone
    store: Path = processes.home / "state" / "store"
    until(lambda: not any((store / keys[id]).exists() for id in gone))
    assert all((store / keys[id]).exists() for id in set(ids) - gone)
    assert second.get(f"/v1/batches/{batch['id']}")["status"] == "completed"
