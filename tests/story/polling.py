"""A client that asks as fast as it can and believes nothing that is taken back."""

from __future__ import annotations

import json
import time
import urllib.error
from typing import Any

from tests.processes import Serving
from tests.story.pictures import pixels

RANK = {"queued": 0, "running": 1, "completed": 2, "partial": 2, "failed": 2, "canceled": 2}


def watch(serving: Serving, id: str) -> int:
    """Ask for a batch and its images as fast as possible until it has ended and a while longer;
    how often was asked."""
    rank, status, stored, files = 0, "queued", 0, dict[str, str]()
    ended = float("inf")
    looks = 0
    while time.monotonic() < ended + 1:
        batch = serving.get(f"/v1/batches/{id}")
        looks += 1
        assert RANK[batch["status"]] >= rank, (status, batch["status"])
        assert rank < 2 or batch["status"] == status
        rank, status = RANK[batch["status"]], batch["status"]
        assert batch["counts"]["stored"] >= stored
        stored = batch["counts"]["stored"]
        if rank == 2:
            ended = min(ended, time.monotonic())
        shown = [image for image in batch["images"] if image["status"] == "stored"]
        assert len(shown) == stored
        assert files.keys() <= {image["id"] for image in shown}
        for image in shown:
            seen = pixels(serving.read(image["url"]))
            assert files.setdefault(image["id"], seen) == seen
        _ask_for_the_rest(serving, batch)
    assert status == "completed"
    return looks


def _ask_for_the_rest(serving: Serving, batch: dict[str, Any]) -> None:
    """What is not stored says so, or has been stored meanwhile; nothing else."""
    for image in batch["images"]:
        if image["status"] != "stored":
            assert _problem_at(serving, image["url"]) in (None, (404, "not-stored"))


def _problem_at(serving: Serving, url: str) -> tuple[int, str] | None:
    try:
        pixels(serving.read(url))
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["code"]
    return None
