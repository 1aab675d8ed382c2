"""What processes take, seen from outside: memory of `serve`, processor time of both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import psutil

EVERY: Final = 0.2  # s
MB: Final = 1e6  # bytes
_DATABASE: Final = "postgres"


@dataclass(frozen=True, slots=True)
class Sample:
    """The memory held after so many seconds, when so many images had passed."""

    seconds: float
    passed: int
    mb: float


class MemoryWatch:
    """Samples a process and its children from a thread of its own, while it is entered.

    The embedded PostgreSQL is nobody's child; should one appear below, it is left out by name.
    """

    def __init__(self, pid: int, passed: Callable[[], int]) -> None:
        self.samples: list[Sample] = []
        self._process = psutil.Process(pid)
        self._passed = passed
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._enough.set()
        self._thread.join()

    def _sample(self) -> None:
        began = time.monotonic()
        while True:
            passed, held = self._passed(), _resident(self._process)
            self.samples.append(Sample(time.monotonic() - began, passed, held / MB))
            if self._enough.wait(EVERY):
                return


def high_water_mb(pid: int) -> float:
    """The most a process ever held, as the kernel kept it: sees what samples step over."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / MB
    raise AssertionError("the kernel does not tell VmHWM")


def cpu_ms(pid: int) -> float:
    """Processor time of a process and its children so far, PostgreSQL's not counted."""
    process = psutil.Process(pid)
    return _cpu_ms([process, *_children(process)])


def postgres_cpu_ms(folder: Path) -> float:
    """Processor time of all processes of an embedded PostgreSQL so far, ended ones too."""
    pid = int((folder / "cluster" / "postmaster.pid").read_text().partition("\n")[0])
    postmaster = psutil.Process(pid)
    return _cpu_ms([postmaster, *postmaster.children(recursive=True)])


def _resident(process: psutil.Process) -> int:
    total = process.memory_info().rss
    for child in _children(process):
        with suppress(psutil.NoSuchProcess):
            total += child.memory_info().rss
    return int(total)


def _children(process: psutil.Process) -> list[psutil.Process]:
    found = []
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.name() != _DATABASE:
                found.append(child)
    return found


def _cpu_ms(processes: Iterable[psutil.Process]) -> float:
    """What each took, and what its ended children took."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            took = process.cpu_times()
            total += took.user + took.system + took.children_user + took.children_system
    return total * 1e3
