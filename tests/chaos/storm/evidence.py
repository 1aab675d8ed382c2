"""What is found when the storm is over: recordings and files of the simulators, our own answers."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from tests.chaos.storm.clients import Clients
from tests.chaos.storm.stage import Stage
from tests.story.pictures import pixels

_AT_ONCE = 8
_LAST_CHUNK = b"\0\0\0\0IEND\xaeB`\x82"


@dataclass(frozen=True)
class Rendering:
    """One prompt that began to run, from a simulator's own recording."""

    backend: int
    prompt: str
    seed: int
    started: float
    finished: float | None
    file: Path  # where it was, or would have been, saved
    outcome: str | None  # None: cut off by a kill


@dataclass(frozen=True)
class Attempt:
    """One attempt as our API tells of it."""

    prompt: str
    backend: int
    opened: float  # Unix seconds
    closed: float | None
    outcome: str | None


@dataclass
class Shot:
    """One image."""

    id: str
    index: int
    status: str
    seed: int
    user: str
    character: str
    prompt: str | None
    error: str | None
    attempts: list[Attempt]
    served: str | None = None  # pixels of what we serve
    names: dict[str, Any] = field(default_factory=dict)  # what its file says of itself


@dataclass
class Found:
    """Everything."""

    batches: dict[str, dict[str, Any]]
    shots: dict[str, Shot]  # by image
    highest: dict[tuple[str, str], int]  # of each series
    renderings: dict[str, list[Rendering]]  # by prompt


async def collect(stage: Stage, clients: Clients) -> Found:
    """Ask for all of it; the storm is over, so everything answers."""
    listed = await _all_batches(clients)
    gate = asyncio.Semaphore(_AT_ONCE)
    batches = {id: await clients.get(f"/v1/batches/{id}") for id in listed}
    images = [image for batch in batches.values() for image in batch["images"]]
    shots = await asyncio.gather(*(_shot(clients, gate, image["id"]) for image in images))
    series = {(batch["user"], batch["character"]) for batch in batches.values()}
    highest = {
        (user, character): (await clients.get(f"/v1/series/{user}/{character}"))["highest"]
        for user, character in sorted(series)
    }
    renderings: dict[str, list[Rendering]] = {}
    for backend in range(len(stage.simulators)):
        for rendering in recorded(stage.output(backend), backend):
            renderings.setdefault(rendering.prompt, []).append(rendering)
    return Found(batches, {shot.id: shot for shot in shots}, highest, renderings)


def recorded(output: Path, backend: int) -> list[Rendering]:
    """A simulator's recordings: a line at the beginning, another at the end of each."""
    path = output.parent / "renderings.jsonl"
    if not path.exists():
        return []
    found: dict[tuple[str, float], Rendering] = {}
    for line in path.read_text().splitlines():
        told = json.loads(line)
        own = f"safelight/{told['prompt_id']}/image_00001_.png"  # a kill may have hidden its name
        found[(told["prompt_id"], told["started"])] = Rendering(
            backend,
            told["prompt_id"],
            told["seed"],
            told["started"],
            told["finished"],
            output / (told["file"] or own),
            told["outcome"],
        )
    return list(found.values())


def whole(path: Path) -> str | None:
    """The pixels of a PNG that is all there, to its last chunk, else None."""
    try:
        data = path.read_bytes()
        return pixels(data) if data.endswith(_LAST_CHUNK) else None
    except (OSError, SyntaxError, ValueError):
        return None


async def _all_batches(clients: Clients) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = await clients.get(f"/v1/batches?limit=100{cursor}")
        found += [batch["id"] for batch in page["data"]]
        if not page.get("next_cursor"):
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def _shot(clients: Clients, gate: asyncio.Semaphore, id: str) -> Shot:
    async with gate:
        told = await clients.get(f"/v1/images/{id}")
        shot = Shot(
            id=id,
            index=told["index"],
            status=told["status"],
            seed=told["seed"],
            user=told["user"],
            character=told["character"],
            prompt=told["prompt_id"],
            error=told["error"]["code"] if told.get("error") else None,
            attempts=[_attempt(attempt) for attempt in told["attempts"]],
        )
        if shot.status == "stored":
            data = await clients.read(told["url"])
            shot.served = pixels(data)
            with Image.open(io.BytesIO(data)) as picture:
                shot.names = json.loads(picture.info.get("safelight", "{}"))
        return shot


def _attempt(told: dict[str, Any]) -> Attempt:
    opened = _unix(told["started_at"])
    assert opened is not None
    backend = int(told["backend"][1:]) - 1
    closed = _unix(told["finished_at"])
    return Attempt(told["prompt_id"], backend, opened, closed, told["outcome"])


def _unix(moment: str | None) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None
