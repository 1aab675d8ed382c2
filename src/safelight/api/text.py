"""How a problem is explained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A problem's status, its title, and what to do."""

    status: int
    title: str
    text: str
