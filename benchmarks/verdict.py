"""What a benchmark found, held against what it should have found, and how that is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

_WORDS: Final = {True: "pass", False: "miss"}


def short(value: float) -> str:
    """Three digits, or all that stand before the point."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@dataclass(frozen=True, slots=True)
class Mark:
    """A number that `value` is held against; the limit must be kept, the goal is hoped for."""

    kind: Literal["limit", "goal"]
    sign: Literal["<=", ">="]
    number: float

    def kept_by(self, value: float) -> bool:
        """Whether this value is on the right side.

        Example:
            >>> Mark("limit", "<=", 14).kept_by(9.5)
            True
        """
        return value <= self.number if self.sign == "<=" else value >= self.number

    def told(self, value: float) -> str:
        """`limit <= 14 pass`."""
        return f"{self.kind} {self.sign} {self.number:g} {_WORDS[self.kept_by(value)]}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the report.

    `value` is what the marks are held against, the median over the rounds; `least` and `greatest`
    are the extreme rounds. `raw` is everything that was measured.
    """

    name: str
    what: str
    value: float
    least: float
    greatest: float
    unit: str  # of the value
    measured: str  # ours, with its unit
    floor: str  # the plain way's, or "-"
    marks: tuple[Mark, ...] = ()
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every limit is kept; goals are only told."""
        return all(mark.kept_by(self.value) for mark in self.marks if mark.kind == "limit")

    def line(self) -> str:
        """For people."""
        value, least, greatest = map(short, (self.value, self.least, self.greatest))
        spread = f"{value} {self.unit} [{least} to {greatest}]"
        told = ", ".join(mark.told(self.value) for mark in self.marks) or "no target"
        return (
            f"{self.name:<16} ours {self.measured:<15} floor {self.floor:<15} {spread:<38} {told}"
        )

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "name": self.name,
            "what": self.what,
            "value": round(self.value, 4),
            "least": round(self.least, 4),
            "greatest": round(self.greatest, 4),
            "unit": self.unit,
            "measured": self.measured,
            "floor": self.floor,
            "marks": [
                {
                    "kind": mark.kind,
                    "sign": mark.sign,
                    "number": mark.number,
                    "kept": mark.kept_by(self.value),
                }
                for mark in self.marks
            ],
            "raw": self.raw,
        }


def at_most(limit: float, goal: float | None = None) -> tuple[Mark, ...]:
    """Less is better."""
    marks = (Mark("limit", "<=", limit),)
    return marks if goal is None else (*marks, Mark("goal", "<=", goal))


def at_least(limit: float, goal: float | None = None) -> tuple[Mark, ...]:
    """More is better."""
    marks = (Mark("limit", ">=", limit),)
    return marks if goal is None else (*marks, Mark("goal", ">=", goal))
