"""Which prompts a backend holds, and in which order they will run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from safelight.core.correlation import held

TRANSCRIPTS = Path(__file__).parents[1] / "simulator" / "transcripts"


def test_the_queue_in_the_order_it_will_run() -> None:
    pending = [[3, "c", {}], [2.5, "z"], [-1, "front"], [2.5, "a"], [float("nan"), "stranger"]]
    queue = {"queue_running": [[1, "r", {}, {}, ["3"], {}]], "queue_pending": pending}
    assert held(queue) == (("r",), ("front", "a", "z", "c", "stranger"))
    assert held({"queue_running": [], "queue_pending": []}) == ((), ())


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"queue_running": []},
        {"queue_running": None, "queue_pending": []},
        {"queue_running": [None], "queue_pending": []},
        {"queue_running": [[1]], "queue_pending": []},
        {"queue_running": [["1", "x"]], "queue_pending": []},
        {"queue_running": [[True, "x"]], "queue_pending": []},
        {"queue_running": [], "queue_pending": [[1, None]]},
    ],
)
def test_another_queue_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        held(value)


def test_recorded_queues_are_read() -> None:
    seen = 0
    for path in TRANSCRIPTS.glob("*.jsonl"):
        for line in path.read_text().splitlines():
            frame = json.loads(line)
            body = frame.get("body")
            if frame["dir"] == "in" and isinstance(body, dict) and "queue_pending" in body:
                running, pending = held(body)
                seen += len(running) + len(pending)
    assert seen > 0
