"""How the whole system is at one moment, for whoever measures it: lines, backends, what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

READY: Final = "ready"
REASONS: Final = (
    "draining",  # an operator lets it take nothing
    "undriven",  # no worker has its lease
    "unreachable",  # it does not answer
    "stuck",  # it answers, but its queue stands still
    "twin",  # it is the same server as another one
    "let-down",  # it answers, but takes no prompts, or not as a render server does
    "unknown",  # not asked yet, or in doubt
)
"""Why a backend takes no images, in few words: reasons for people are sentences."""


@dataclass(frozen=True, slots=True)
class LineFact:
    """What waits in a pool."""

    pool: str
    depth: int  # images
    wait: float  # seconds the oldest has waited


@dataclass(frozen=True, slots=True)
class BackendFact:
    """A backend."""

    name: str
    pool: str
    slots: int
    busy: int  # open attempts
    why: str  # READY, or one of REASONS


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it."""

    lines: tuple[LineFact, ...] = ()
    backends: tuple[BackendFact, ...] = ()
    copies: tuple[tuple[str, int], ...] = ()  # publisher, copies that wait there
    deliveries: int = 0  # messages that wait


def why(state: str, reason: str | None, *, leased: bool, draining: bool) -> str:
    """READY, or the one of REASONS for which a backend takes no images.

    Example:
        >>> why("resting", "stuck: no progress for 600 s", leased=True, draining=False)
        'stuck'
    """
    if draining:
        return "draining"
    if not leased:
        return "undriven"
    if state in (READY, "unreachable"):
        return state
    said = reason or ""
    if said.startswith("stuck"):
        return "stuck"
    if said.startswith("the same server"):
        return "twin"
    return "let-down" if state == "resting" else "unknown"
