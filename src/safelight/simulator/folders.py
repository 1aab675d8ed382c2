"""Where one server keeps its files."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Folders:
    """The three folders of `/view` and `/upload`, and the oracle's file beside the output."""

    output: Path
    input: Path
    temp: Path

    @classmethod
    def under(cls, home: Path, port: int, output: Path | None) -> Folders:
        """The folders of the server on this port; `output` may be shared with others."""
        root = home.absolute() / "simulator" / str(port)
        return cls((output or root / "output").absolute(), root / "input", root / "temp")

    @property
    def renderings(self) -> Path:
        """Where the list of renderings outlives the process."""
        return self.output.parent / "renderings.jsonl"

    def prepare(self) -> None:
        """Create what is missing; what an earlier life left in temp goes."""
        self.wipe_temp()
        for folder in (self.output, self.input, self.temp):
            folder.mkdir(parents=True, exist_ok=True)

    def wipe_temp(self) -> None:
        """Temporary pictures do not outlive a clean exit."""
        shutil.rmtree(self.temp, ignore_errors=True)

    def of_type(self, kind: str) -> Path | None:
        """The folder called `output`, `input` or `temp`."""
        return {"output": self.output, "input": self.input, "temp": self.temp}.get(kind)

    def annotated(self, name: str) -> tuple[str, Path | None]:
        """A name that ends in ` [input]` says itself in which folder it lies."""
        for kind in ("output", "input", "temp"):
            if name.endswith(f"[{kind}]"):
                return name[: -len(kind) - 3], self.of_type(kind)
        return name, None

    def inputs(self) -> list[str]:
        """What LoadImage can choose from."""
        return sorted(entry.name for entry in self.input.iterdir() if entry.is_file())


def reaches_out(folder: Path, path: Path) -> bool:
    """Whether a path leaves the folder once its dots are resolved; links are not looked at."""
    plain = Path(os.path.normpath(path))
    return plain != folder and folder not in plain.parents
