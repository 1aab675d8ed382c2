"""File names as SaveImage gives them, with the counter that is read from the folder each time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from safelight.simulator.folders import reaches_out


class OutsideOutputError(Exception):
    """The prefix points out of the output folder."""


@dataclass(frozen=True)
class Place:
    """Where the pictures of one SaveImage run go."""

    folder: Path
    stem: str
    counter: int
    subfolder: str

    def name(self, element: int) -> str:
        """The file name of one picture of the batch."""
        stem = self.stem.replace("%batch_num%", str(element))
        return f"{stem}_{self.counter + element:05}_.png"


def place_for(prefix: str, output: Path, width: int, height: int) -> Place:
    """Where a prefix leads now; creates the folder."""
    prefix = _dated(prefix, width, height)
    subfolder, stem = os.path.split(os.path.normpath(prefix))
    folder = output / subfolder
    if reaches_out(output, folder):
        raise OutsideOutputError(
            "**** ERROR: Saving image outside the output folder is not allowed."
            f"\n full_output_folder: {os.path.normpath(folder)}\n         output_dir: {output}"
        )
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        names = []
    return Place(folder, stem, next_counter(names, stem, os.path.basename(prefix)), subfolder)


def next_counter(names: Iterable[str], stem: str, written: str) -> int:
    """One more than the highest number after `stem_`.

    The length that is cut off comes from the prefix as it was written. With a trailing slash it
    is empty, so the server never finds its own files and writes over them, as the real one does.
    """
    start = f"{stem}_"
    cut = len(written) + 1
    return max((_number(name[cut:]) for name in names if name[:cut] == start), default=0) + 1


def _number(rest: str) -> int:
    try:
        return int(rest.split("_")[0])
    except ValueError:
        return 0


def _dated(prefix: str, width: int, height: int) -> str:
    if "%" not in prefix:
        return prefix
    now = time.localtime()
    values = {
        "width": str(width),
        "height": str(height),
        "year": str(now.tm_year),
        "month": f"{now.tm_mon:02}",
        "day": f"{now.tm_mday:02}",
        "hour": f"{now.tm_hour:02}",
        "minute": f"{now.tm_min:02}",
        "second": f"{now.tm_sec:02}",
    }
    for name, value in values.items():
        prefix = prefix.replace(f"%{name}%", value)
    return prefix
