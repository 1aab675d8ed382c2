"""What a simulator can be told at its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safelight.simulator.faults import check


@dataclass(frozen=True)
class Options:
    """See `safelight simulate --help`."""

    home: Path  # SAFELIGHT_HOME: holds every server's folders unless `output` is given
    host: str = "127.0.0.1"
    port: int = 8188  # 0: a free one for each server
    count: int = 1  # servers, on following ports
    seconds: float = 2.0  # a rendering's whole time
    steps: int = 20  # progress steps it is split into
    faults: Mapping[str, float] = field(default_factory=dict)
    output: Path | None = None
    seed: int | None = None  # of the faults' dice
    lab: bool = False  # the nodes and the model lists of the recordings
    lab_scale: float = 1.0  # how much of their seconds the lab's nodes take
    models_any: bool = False  # every model name is taken

    def __post_init__(self) -> None:
        for name, probability in self.faults.items():
            check(name, probability)
        _need(0 <= self.port <= 65535, f"there is no port {self.port}")
        _need(self.count >= 1, f"at least one server is needed, not {self.count}")
        last = self.port + self.count - 1
        _need(not self.port or last <= 65535, f"{self.count} servers would end at port {last}")
        _need(0 <= self.seconds < 1e6, f"{self.seconds} are not seconds a rendering can take")
        _need(1 <= self.steps <= 10000, f"{self.steps} steps are not between 1 and 10000")
        _need(self.lab_scale >= 0, "time cannot be scaled below zero")


def _need(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)
