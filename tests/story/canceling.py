"""What the stories of cancel and retry do: wait for a state, ask, and be a stranger."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import uuid4

from tests.processes import QUICK, Serving, Simulating

Found = TypeVar("Found")
IMAGE_ENDINGS = ("image.stored", "image.canceled", "image.failed")
BATCH_ENDINGS = ("batch.completed", "batch.partial", "batch.canceled", "batch.failed")


def until(find: Callable[[], Found], seconds: float = 60, told: str = "") -> Found:
    """What is found as soon as it is something."""
    end = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        assert time.monotonic() < end, told or "it does not come"
        time.sleep(0.01)


def ordered(serving: Serving, quantity: int, **fields: object) -> Any:
    """An order that nobody waits for."""
    body = {"user": "ann", "character": "mira", "prompt": "", "quantity": quantity, **fields}
    return serving.post("/v1/batches", body)


def asked(serving: Serving, path: str) -> tuple[int, Any]:
    """Status and body of a POST without a body."""
    request = urllib.request.Request(serving.url + path, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def image_of(serving: Serving, id: str) -> Any:
    """The image as it is now."""
    return serving.get(f"/v1/images/{id}")


def until_image(serving: Serving, id: str, status: str, seconds: float = 60) -> Any:
    """The image when it has this status."""
    until(
        lambda: image_of(serving, id)["status"] == status,
        seconds,
        serving.described(image_of(serving, id)),
    )
    return image_of(serving, id)


def running(simulating: Simulating) -> str | None:
    """The prompt id of what is being rendered."""
    return next((r["prompt_id"] for r in simulating.renderings() if r["finished"] is None), None)


def at_the_backend(simulating: Simulating) -> tuple[list[str], list[str]]:
    """Prompt ids that run, and that wait."""
    with urllib.request.urlopen(f"{simulating.url}/queue", timeout=30) as answer:
        queue = json.load(answer)
    return [p[1] for p in queue["queue_running"]], [p[1] for p in queue["queue_pending"]]


def until_idle(simulating: Simulating) -> None:
    """Nobody's prompt is there."""
    until(lambda: at_the_backend(simulating) == ([], []))


def of_prompt(serving: Serving, batch: Any, prompt_id: str) -> str:
    """The id of the image that this prompt is for."""
    ids: list[str] = [image["id"] for image in batch["images"]]
    return next(id for id in ids if image_of(serving, id)["prompt_id"] == prompt_id)


def stranger(simulating: Simulating, seed: int = 99) -> str:
    """Somebody else sends a prompt to the same ComfyUI; its id."""
    graph = json.loads(QUICK.read_text())
    graph["2"]["inputs"]["seed"] = seed
    prompt_id = str(uuid4())
    body = json.dumps({"prompt": graph, "prompt_id": prompt_id}).encode()
    request = urllib.request.Request(f"{simulating.url}/prompt", body)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
    return prompt_id


def outcome_of(simulating: Simulating, prompt_id: str, seconds: float = 60) -> str:
    """How the rendering of a prompt ended."""

    def ended() -> str | None:
        found = [r["outcome"] for r in simulating.renderings() if r["prompt_id"] == prompt_id]
        return found[0] if found else None

    return until(ended, seconds, f"{prompt_id} is not rendered") or ""


def events_of(serving: Serving, batch: str) -> list[dict[str, Any]]:
    """Every event of a batch that has ended, in order."""
    lines = serving.read(f"/v1/batches/{batch}/events").decode().splitlines()
    told = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    events = [event for event in told if "number" in event]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    return events


def assert_counted(batch: Any) -> None:
    """The counters say what the rows say."""
    statuses = [image["status"] for image in batch["images"]]
    for status, counted in batch["counts"].items():
        assert counted == statuses.count(status), batch


def assert_one_outcome(serving: Serving, ended: Any) -> None:
    """Every image of an ended batch is stored or canceled: row, events, file and attempts agree."""
    events = events_of(serving, ended["id"])
    assert [e["type"] for e in events if e["type"] in BATCH_ENDINGS] == [f"batch.{ended['status']}"]
    for image in ended["images"]:
        assert image["status"] in ("stored", "canceled"), image
        told = [e["type"] for e in events if e["image"] == image["id"]]
        assert [type for type in told if type in IMAGE_ENDINGS] == [f"image.{image['status']}"]
        detail = image_of(serving, image["id"])
        assert (detail["sha256"] is not None) == (image["status"] == "stored")
        outcomes = [attempt["outcome"] for attempt in detail["attempts"]]
        assert all(attempt["finished_at"] for attempt in detail["attempts"])
        assert outcomes.count("stored") == (image["status"] == "stored")
        assert outcomes.count("canceled") <= (image["status"] == "canceled")
