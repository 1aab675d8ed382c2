"""Accidents on order: what goes wrong in a rendering, and how likely."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

NAMES = (
    "drop-websocket",
    "deaf-websocket",
    "slow",
    "lose-history",
    "restart",
    "zombie",
    "oom",
    "truncate",
    "cached-duplicate",
    "reject",
    "refuse",
)


class Faults:
    """The faults of one server. They are counted when they take effect, not when drawn."""

    def __init__(self, probabilities: Mapping[str, float], seed: str | None) -> None:
        self._random = Random(seed)
        self._probabilities: dict[str, float] = dict.fromkeys(NAMES, 0.0)
        self.struck = dict.fromkeys(NAMES, 0)
        self.change(probabilities)

    def change(self, probabilities: Mapping[str, float]) -> None:
        """Set some probabilities, leaving the others."""
        for name, probability in probabilities.items():
            check(name, probability)
        self._probabilities.update(probabilities)

    def draw(self) -> set[str]:
        """The faults that will strike this rendering, if it gets that far."""
        return {name for name in NAMES if name != "reject" and self._strikes(name)}

    def rejects(self) -> bool:
        """Whether this POST is refused."""
        return self._strikes("reject") and self.count("reject")

    def count(self, name: str) -> bool:
        """Note that a fault took effect; always true."""
        self.struck[name] += 1
        return True

    def _strikes(self, name: str) -> bool:
        probability = self._probabilities[name]
        return probability > 0 and self._random.random() < probability


def check(name: object, probability: object) -> None:
    """Refuse a fault that does not exist, and a probability that is none."""
    if name not in NAMES:
        raise ValueError(f"unknown fault {name!r}; there are {', '.join(NAMES)}")
    number = isinstance(probability, int | float) and not isinstance(probability, bool)
    if not number or not 0 <= probability <= 1:  # type: ignore[operator]
        raise ValueError(f"the probability of {name} must lie between 0 and 1, not {probability!r}")
