"""The border between the pipeline and whoever serves copies: the records that cross it, and the
protocol.

A publisher is one CDN target as seen from here. It never raises for what the far side does: it
answers with records, because "refused" and "not now" lead to different decisions. It raises nothing
but `asyncio.CancelledError`. What it says is shown to people: no secret is ever in it.

Every call may be repeated, at any time, also by another process at the same moment: nobody knows
whether the answer to an earlier one was lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Item:
    """A stored image, as a publisher names and describes it."""

    image: str  # id
    user: str
    character: str
    index: int
    seed: int
    name: str  # the public one, `areg_mira_image_00013_.png`
    content_type: str
    width: int  # pixels
    height: int


class Copy(Protocol):
    """The bytes that leave, known before they do."""

    @property
    def size(self) -> int:
        """How many."""

    @property
    def md5(self) -> str:
        """Of all of them, hex."""

    @property
    def sha256(self) -> str:
        """Of all of them, hex."""

    def pieces(self) -> AsyncIterator[bytes]:
        """All of them, from the beginning, as often as asked for, one reader at a time."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """It lies there, and the far side has said that size and hash are those of the copy."""

    url: str  # where it is served
    existed: bool = False  # it lay there before this call, the same bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """It will not lie there, however often it is tried: another picture has its place, or the far
    side does not let us in."""

    reason: str  # the far side's own words, if there are any


@dataclass(frozen=True, slots=True)
class NotNow:
    """Nobody knows whether it lies there: try again."""

    reason: str
    pause: float | None = None  # s in which nothing should be sent to this publisher at all


@dataclass(frozen=True, slots=True)
class Found:
    """Something lies at this place. What the far side does not tell is None."""

    size: int | None  # bytes
    md5: str | None = None  # hex
    sha256: str | None = None  # hex


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing lies at this place."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Nothing lies at this place any more, or never did."""


Outcome: TypeAlias = Uploaded | Refused | NotNow
Look: TypeAlias = Found | Missing | NotNow
Removal: TypeAlias = Removed | Refused | NotNow


class Publisher(Protocol):
    """One target."""

    name: str  # of the settings

    def place(self, item: Item) -> str:
        """What it will be called there, the same for the same item; no two items share one."""

    async def publish(self, place: str, item: Item, copy: Copy) -> Outcome:
        """Put a copy at a place where nothing, or this very copy, lies; and check that it does."""

    async def look(self, place: str) -> Look:
        """What lies at a place, without downloading it if that can be avoided."""

    async def remove(self, place: str, md5: str) -> Removal:
        """Take away what was published there, unless something else lies there now (`Refused`)."""

    async def write_index(self, user: str, character: str, highest: int) -> Outcome:
        """Write the highest reserved index of a series into its `index.txt`, over an older one."""

    async def close(self) -> None:
        """Let go of connections."""
