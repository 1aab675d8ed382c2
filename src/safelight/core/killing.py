"""Whether a graph kills the backends that draw it.

A death is an attempt whose backend died, or was restarted, while this very prompt ran there. Render
servers die for many reasons, so one death says nothing, and neither do several at once: a host that
is switched off takes all its servers with it. What counts is a chain: each death under an attempt
that was opened after the death before, and no picture of that graph stored in that pool since the
first (a picture clears the count). The same backend may die more than once in it.

Two in a chain are held against a graph. Where something speaks for it, four: within the hour a
server died under another graph, or this one gave a picture there; or another backend has drawn the
graph for as long, and lives.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

ENOUGH: Final = 2  # deaths, one after the other
ENOUGH_IN_DOUBT: Final = 4  # where something speaks for the graph


@dataclass(frozen=True, slots=True)
class Death:
    """A backend died while a graph ran there."""

    backend: str
    opened: datetime  # the attempt
    died: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """A graph that is not drawn in a pool until somebody resumes its workflow."""

    pool: str
    workflow: str  # its id, when it was held
    graph: str  # content hash
    backends: tuple[str, ...]  # that died under it
    since: datetime

    @property
    def reason(self) -> str:
        """For people, with the next step."""
        return (
            f"{dead(self.backends)} while drawing the workflow {self.workflow}; mend what kills "
            f"them, then: safelight workflows resume {self.workflow} --pool {self.pool}"
        )


def killed(deaths: Collection[Death], *, doubtful: bool = False) -> tuple[str, ...]:
    """The backends that died under a graph since its last picture, in that order; none unless that
    is held against it.

    Example:
        >>> hours = [datetime(2026, 1, 2, hour) for hour in range(4)]
        >>> killed([Death("a", hours[0], hours[1]), Death("b", hours[2], hours[3])])
        ('a', 'b')
        >>> killed([Death("a", hours[0], hours[2]), Death("b", hours[1], hours[3])])
        ()
    """
    ordered = sorted(deaths, key=lambda death: death.died)
    if _chain(ordered) < (ENOUGH_IN_DOUBT if doubtful else ENOUGH):
        return ()
    return tuple(death.backend for death in ordered)


def _chain(ordered: Iterable[Death]) -> int:
    """How many of them can follow one another: taking the earliest end each time finds the most
    intervals that do not overlap (Kleinberg and Tardos, Algorithm Design, 4.1)."""
    last, count = None, 0
    for death in ordered:
        if last is None or death.opened >= last:
            last, count = death.died, count + 1
    return count


def dead(backends: Iterable[str]) -> str:
    """What happened to them, as the beginning of a sentence.

    Example:
        >>> dead(["a", "b"]), dead(["a", "a"])
        ('a, b died one after the other', 'a died again and again')
    """
    names = sorted(set(backends))
    return f"{', '.join(names)} died {'one after the other' if names[1:] else 'again and again'}"
