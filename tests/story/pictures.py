"""What stories compare: pixels, and the files the simulator itself has written."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from tests.processes import Serving, Simulating


def pixels(data: bytes) -> str:
    """A hash of the decoded pixels, taken without any code of ours."""
    with Image.open(io.BytesIO(data)) as image:
        return hashlib.sha256(
            repr(image.size).encode() + image.convert("RGB").tobytes()
        ).hexdigest()


def painted(simulating: Simulating, output: Path) -> dict[str, str]:
    """Prompt id → pixels of the file that the simulator wrote for it."""
    return {
        rendering["prompt_id"]: pixels((output / rendering["file"]).read_bytes())
        for rendering in simulating.renderings()
        if rendering["file"]
    }


def served(serving: Serving, batch: dict[str, Any]) -> dict[str, str]:
    """Image id → pixels of the file we serve."""
    return {image["id"]: pixels(serving.read(image["url"])) for image in batch["images"]}


def assert_exactly(batch: dict[str, Any], quantity: int) -> None:
    """It is completed, contiguous, highest index first."""
    assert batch["status"] == "completed", batch
    assert len(batch["images"]) == quantity
    highest = batch["indices"][0]
    assert batch["indices"] == list(range(highest, highest - quantity, -1))
    assert [image["index"] for image in batch["images"]] == batch["indices"]
    assert {image["status"] for image in batch["images"]} == {"stored"}


def prompts_of(serving: Serving, batch: dict[str, Any]) -> dict[str, str]:
    """Image id → the prompt whose picture it shows."""
    return {
        image["id"]: serving.get(f"/v1/images/{image['id']}")["prompt_id"]
        for image in batch["images"]
    }


def assert_own_pictures(serving: Serving, batch: dict[str, Any], made: dict[str, str]) -> None:
    """Each image shows, pixel for pixel, what was painted for its own prompt."""
    prompts = prompts_of(serving, batch)
    assert served(serving, batch) == {id: made[prompt] for id, prompt in prompts.items()}


def said_in(data: bytes) -> dict[str, Any]:
    """What a picture's file says of itself."""
    with Image.open(io.BytesIO(data)) as picture:
        said: dict[str, Any] = json.loads(picture.info["safelight"])
        return said
