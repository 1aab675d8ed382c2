"""The frames of the websocket: which are hints, and that nothing in them can do harm."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.renderers.base import Ended, Hint, Progress
from safelight.renderers.comfyui_frames import Frames
from tests.renderers.recorded_server import TRANSCRIPTS, recorded

OURS = "20edc183-90d2-4901-af5c-eaad5b3c3f66"
OTHER = "bb455d55-0358-4820-bdf6-9b5a714e3e31"
JPEG = b"\xff\xd8\xff picture"
PNG = b"\x89PNG\r\n\x1a\n picture"


def event(kind: str, **data: Any) -> bytes:
    return json.dumps({"type": kind, "data": data}).encode()


def legacy(picture: bytes) -> bytes:
    return (1).to_bytes(4) + (1).to_bytes(4) + picture


def described(prompt_id: Any, picture: bytes) -> bytes:
    about = json.dumps({"node_id": "1", "prompt_id": prompt_id}).encode()
    return (4).to_bytes(4) + len(about).to_bytes(4) + about + picture


def heard(*frames: bytes, previews: bool = True) -> list[Hint]:
    """The hints in these frames; those that begin with a brace are text."""
    reader = Frames(previews)
    read = [reader.text(f) if f[:1] == b"{" else reader.binary(f) for f in frames]
    return [hint for hint in read if hint is not None]


STEP = event("progress", value=2, max=20, prompt_id=OURS, node="1")


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([event("executing", node=None, prompt_id=OURS)], [Ended(OURS)]),
        ([b'{"type":"executing","data":{"node":null,"prompt_id":"x"}}'], [Ended("x")]),
        ([b'{"data": {"node": null, "prompt_id": "x"}, "type": "executing"}'], [Ended("x")]),
        ([event("executing", node="1", prompt_id=OURS)], []),
        ([event("executing", node="1")], []),
        ([event("executing", prompt_id=OURS)], []),
        ([event("executing", node=None)], []),
        ([event("executing", node=None, prompt_id="")], []),
        ([event("executing", node=None, prompt_id="x" * 129)], []),
        ([event("execution_success", prompt_id=OURS)], []),
        ([event("execution_error", prompt_id=OURS)], []),
        ([event("execution_interrupted", prompt_id=OURS)], []),
        ([STEP], [Progress(OURS, 2, 20)]),
        ([event("progress", value=1.0, max=4.0, prompt_id=OURS)], [Progress(OURS, 1, 4)]),
        ([event("progress", value=1, max=4)], []),
        (
            [event("execution_start", prompt_id=OURS), event("progress", value=1, max=4)],
            [Progress(OURS, 1, 4)],
        ),
        ([event("progress", value=5, max=4, prompt_id=OURS)], []),
        ([event("progress", value=-1, max=4, prompt_id=OURS)], []),
        ([event("progress", value=0, max=0, prompt_id=OURS)], []),
        ([event("progress", value=1, max=10**9, prompt_id=OURS)], []),
        ([event("progress", value="1", max=4, prompt_id=OURS)], []),
        ([event("progress", value=True, max=4, prompt_id=OURS)], []),
        ([event("progress", value=float("nan"), max=4, prompt_id=OURS)], []),
        ([event("progress", value=1, max=4, prompt_id=7)], []),
        ([b'{"type": "progress", "data": [1]}'], []),
        ([b'{"type": 7, "data": {}}'], []),
        ([b'{"type": "progress"'], []),
        ([b'{"type": "prog\xff\xfe'], []),
        ([b'{"type": ' + b"[" * 100_000], []),
        ([b'{"a": ' + b"[" * 100_000], []),
        ([STEP, described(OURS, JPEG)], [Progress(OURS, 2, 20), Progress(OURS, 2, 20, JPEG)]),
        ([STEP, described(OURS, PNG)], [Progress(OURS, 2, 20), Progress(OURS, 2, 20, PNG)]),
        ([STEP, legacy(JPEG)], [Progress(OURS, 2, 20), Progress(OURS, 2, 20, JPEG)]),
        # The preview of the first step comes before the step.
        ([described(OURS, JPEG), STEP], [Progress(OURS, 2, 20, JPEG)]),
        ([described(OTHER, JPEG), STEP], [Progress(OURS, 2, 20)]),
        ([STEP, described(OTHER, JPEG)], [Progress(OURS, 2, 20)]),
        # A preview without a name, while nothing of ours runs, is a stranger's.
        ([legacy(JPEG), STEP], [Progress(OURS, 2, 20)]),
        (
            [STEP, event("executing", node=None, prompt_id=OURS), legacy(JPEG)],
            [Progress(OURS, 2, 20), Ended(OURS)],
        ),
        ([STEP, legacy(b"GIF89a")], [Progress(OURS, 2, 20)]),
        ([STEP, legacy(JPEG + b"x" * 2**21)], [Progress(OURS, 2, 20)]),
        ([STEP, described(7, JPEG)], [Progress(OURS, 2, 20)]),
        ([STEP, described("", JPEG)], [Progress(OURS, 2, 20)]),
        ([STEP, described(OURS, JPEG)[:20]], [Progress(OURS, 2, 20)]),
        ([STEP, (4).to_bytes(4) + b"\xff\xff\xff\xff" + JPEG], [Progress(OURS, 2, 20)]),
        ([STEP, (3).to_bytes(4) + (1).to_bytes(4) + b"1text"], [Progress(OURS, 2, 20)]),
        ([b"", b"\x00", b"\x00\x00\x00\x01", (99).to_bytes(4) * 3], []),
    ],
)
def test_frames(frames: list[bytes], expected: list[Hint]) -> None:
    assert heard(*frames) == expected


def test_previews_can_be_left_out() -> None:
    assert heard(STEP, described(OURS, JPEG), legacy(JPEG), previews=False) == [
        Progress(OURS, 2, 20)
    ]


@given(st.lists(st.binary(max_size=64) | st.just(STEP) | st.just(described(OURS, JPEG))))
def test_no_bytes_raise(frames: list[bytes]) -> None:
    reader = Frames(True)
    for frame in frames:
        reader.text(frame)
        reader.binary(frame)


@pytest.mark.parametrize("path", sorted(TRANSCRIPTS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_recorded_frame(path: Any) -> None:
    """What a real server sent is heard: each end, each step, and nothing of unknown prompts."""
    readers: dict[str, Frames] = {}
    found: list[Hint] = []
    ends = steps = 0
    for record in recorded(path.stem):
        if record["kind"] != "ws" or record["dir"] != "in":
            continue
        reader = readers.setdefault(record["conn"], Frames(True))
        if "binary" in record:
            found.append(reader.binary(base64.b64decode(record["b64"].rstrip("…"))) or Ended(""))
        elif message := record.get("json"):
            found.append(reader.text(json.dumps(message).encode()) or Ended(""))
            kind, data = message["type"], message["data"]
            named = 0 < len(data.get("prompt_id", "")) <= 128  # some were "", some 5,000 long
            ends += kind == "executing" and data["node"] is None and named
            steps += kind == "progress"
    assert sum(isinstance(hint, Ended) and hint != Ended("") for hint in found) == ends
    assert sum(isinstance(hint, Progress) for hint in found) >= steps
