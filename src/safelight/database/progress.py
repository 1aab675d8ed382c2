"""What travels between processes on the bell, and how far images are: live only, never a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

# Progress of so many images fits into one payload, of 8,000 bytes: two ids, two names, numbers.
_PER_RING: Final = 25


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far one image is: live only, no row, no id."""

    batch: str
    image: str
    step: int
    steps: int
    preview: int = 0  # number of its latest preview, 0 where there is none
    # Whose it is: who listens to all hears what they reach, and nobody looks that up.
    user: str = ""
    character: str = ""


class Ring(msgspec.Struct, array_like=True):
    """What travels between processes."""

    sender: str
    line: bool
    batches: list[str]
    live: list[Progress]
    wish: bool = False
    errand: bool = False


def rings(
    me: str, line: bool, batches: list[str], moved: list[Progress], wish: bool, errand: bool
) -> Iterator[str]:
    """The same as texts, each small enough for one payload."""
    if line or batches or wish or errand:
        yield msgspec.json.encode(Ring(me, line, batches, [], wish, errand)).decode()
    for start in range(0, len(moved), _PER_RING):
        yield msgspec.json.encode(Ring(me, False, [], moved[start : start + _PER_RING])).decode()
