"""What happened in a transaction, to be counted when it has committed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from safelight.core.happenings import Happening


class Session(asyncpg.Connection):  # type: ignore[misc]
    """A session that remembers what is to be counted when its transaction has committed."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.happened: list[Happening] = []


def nothing_yet(c: Any) -> Sequence[Happening]:
    """What will have happened on this session; it can be read when the session is gone, too."""
    c.happened.clear()
    happened: Sequence[Happening] = c.happened
    return happened


def note(c: Any, happening: Happening) -> None:
    """Have it counted after the commit of this session's transaction, if there is one."""
    c.happened.append(happening)
