"""Whether a graph kills the backends that draw it.

A death is an attempt whose backend died, or was restarted, while this very prompt ran there. Render
servers die for many reasons, so one death says nothing, and neither do several at once: a host that
is switched off takes all its servers with it. It is held against a graph only when a second backend
dies under an attempt that was opened after the first death, and no picture of that graph was stored
in that pool between them (each picture clears the count). The same backend may be both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime


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


def killed(deaths: Collection[Death]) -> tuple[str, ...]:
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
    if not any(death.opened >= ordered[0].died for death in ordered):
        return ()
    return tuple(death.backend for death in ordered)


def dead(backends: Iterable[str]) -> str:
    """What happened to them, as the beginning of a sentence.

    Example:
        >>> dead(["a", "b"]), dead(["a", "a"])
        ('a, b died one after the other', 'a died again and again')
    """
    names = sorted(set(backends))
    return f"{', '.join(names)} died {'one after the other' if names[1:] else 'again and again'}"
