"""The output folder of the service that was there before."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL.PngImagePlugin import PngInfo

from tests.pictures.samples import encode, noise
from tests.processes import QUICK


def name(index: int, digits: int = 5) -> str:
    """As the old service called it."""
    return f"ann_mira_image_{index:0{digits}d}_.png"


def picture(seed: int, drawn_with: int | None = None) -> bytes:
    """A small picture as ComfyUI saves it, with its graph inside."""
    if drawn_with is None:
        return encode(noise(64, 64, "L", seed))
    graph: dict[str, Any] = json.loads(QUICK.read_text())
    graph["2"]["inputs"]["seed"] = drawn_with
    written = PngInfo()
    written.add_text("prompt", json.dumps(graph))
    return encode(noise(64, 64, "L", seed), pnginfo=written)


@dataclass
class OldFolder:
    """300 pictures among 320 numbers, three of them cut short, two that show others once more."""

    path: Path
    gaps: frozenset[int] = frozenset({*range(50, 60), *range(100, 105), 7, 200, 201, 202, 319})
    cut_short: tuple[int, ...] = (20, 150, 300)
    twins: tuple[tuple[int, int], ...] = ((30, 31), (10, 250))
    highest: int = 320
    numbers: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.path.mkdir()
        same = {later: earlier for earlier, later in self.twins}
        self.numbers = [n for n in range(1, self.highest + 1) if n not in self.gaps]
        for number in self.numbers:
            data = picture(same.get(number, number), drawn_with=100_000 + number)
            if number in self.cut_short:
                data = data[: len(data) // 2]
            (self.path / name(number)).write_bytes(data)
        (self.path / "index.txt").write_text("320\n")
        (self.path / "bob_mira_image_00001_.png").write_bytes(picture(999))
        (self.path / "notes.txt").write_text("not a picture")

    @property
    def whole(self) -> list[int]:
        """Numbers of pictures that can be taken."""
        return [number for number in self.numbers if number not in self.cut_short]
