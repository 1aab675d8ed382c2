"""The oracle: every prompt that began to run, for tests to compare their own account with."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEPT = 100_000


@dataclass(slots=True)
class Rendering:
    """One prompt that began to run."""

    prompt_id: str
    seed: int
    text: str
    started: float
    finished: float | None = None
    file: str | None = None  # below the output folder
    outcome: str | None = None  # success, error, interrupted, cached

    def shown(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: getattr(self, name) for name in self.__slots__}


class Renderings:
    """The list of one port. It outlives a restart of the server, and in its file a kill.

    The file gets a line when a prompt begins and another, with the same id and start, when it ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: deque[Rendering] = deque(maxlen=KEPT)

    def begin(self, prompt_id: str, seed: int, text: str) -> Rendering:
        """A prompt begins to run."""
        rendering = Rendering(prompt_id, seed, text, time.time())
        self._kept.append(rendering)
        self._append(rendering)
        return rendering

    def end(self, rendering: Rendering, outcome: str, file: str | None) -> None:
        """The prompt ended."""
        rendering.file = file
        rendering.outcome = outcome
        rendering.finished = time.time()
        self._append(rendering)

    def shown(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return [rendering.shown() for rendering in list(self._kept)]

    def _append(self, rendering: Rendering) -> None:
        # one write of one line: several servers may share the file
        line = json.dumps(rendering.shown(), separators=(",", ":")) + "\n"
        with self._path.open("ab", buffering=0) as file:
            file.write(line.encode())
