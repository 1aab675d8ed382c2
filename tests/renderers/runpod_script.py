"""An endpoint of which a test says every answer, byte by byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from safelight.renderers.runpod import RunPod
from tests.renderers.raw_server import HASTE, Call, ok

KEY = "rpa_secret_secret"
RUN = ok(b'{"id": "j1", "status": "IN_QUEUE"}')
Answer = bytes | Callable[[Call], bytes]


def status(word: str, **fields: object) -> bytes:
    """What `/status/j1` says."""
    return ok(json.dumps({"id": "j1", "status": word, **fields}).encode())


def picture_of(data: str) -> bytes:
    """It is completed, with this picture."""
    image = {"filename": "image_00001_.png", "type": "base64", "data": data}
    return status("COMPLETED", output={"images": [image]})


def refusal(number: int, body: bytes = b"", *lines: str) -> bytes:
    """Another status of HTTP than 200."""
    return ok(body, *lines, status=f"{number} No")


class Script:
    """Answers by route, one after the other; the last one for ever."""

    def __init__(self, **answers: list[Answer]) -> None:
        self._answers: dict[str, list[Answer]] = {"run": [RUN], **answers}

    async def __call__(self, call: Call) -> None:
        route = call.line.split(" ")[1].split("/")[1]
        answers = self._answers[route]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        await call.send(answer if isinstance(answer, bytes) else answer(call))


def backend_of(url: str, **options: Any) -> RunPod:
    """A renderer in haste."""
    return RunPod(url, token=KEY, patience=HASTE, **options)
