"""How following an attempt ends, by which rules, and how its follower is woken."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, TypeAlias

from safelight.core.records import StoredFile
from safelight.core.retrying import CANCELED, DIED, LOST
from safelight.renderers.base import Nowhere, Running, Sighting, Silent

LOOK_AGAIN: Final = 5.0  # s; a file in a shared folder may be seen as late as that


@dataclass(frozen=True, slots=True)
class Ending:
    """Why an attempt ended without a picture: one of the outcomes of `core.retrying`."""

    outcome: str
    detail: str
    suspicious: bool = False  # it ran at a backend that has been silent since


@dataclass(frozen=True, slots=True)
class Taken:
    """A whole picture, in the store."""

    file: StoredFile


Result: TypeAlias = Ending | Taken


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings of the gathering."""

    lost_after: float = 20.0  # s without an answer until an attempt is given up
    max_file: int = 64 * 1024 * 1024  # bytes
    max_pixels: int = 64_000_000
    look_again: float = 0.0  # s between two looks that must both find nothing


class Lookout:
    """How the lane tells one attempt's follower that something may have happened."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.ended = False  # the backend said so: ask the history first
        self.abandoned: str | None = None  # why this attempt is to be given up
        self.unwanted = False  # somebody has asked to cancel the image
        self.taken_back = False  # it was there and was asked back
        self.heard = 0.0  # loop time of the backend's last answer
        self.ran = False  # there, when it was last seen
        self._cut = False  # the backend was away since then
        self._unseen: float | None = None  # since when all its answers were "nowhere"

    def tell(self, *, ended: bool = False) -> None:
        """Wake the follower."""
        self.ended |= ended
        self.news.set()

    def abandon(self, reason: str) -> None:
        """Let the follower take what is there, and otherwise give up."""
        self.abandoned = reason
        self.news.set()

    def let_go(self) -> None:
        """The image is to be canceled, if it is not whole by then."""
        if not self.unwanted:
            self.unwanted = True
            self.news.set()

    def saw(self, sighting: Sighting, now: float) -> None:
        """What a look has shown; `now` is the loop's time."""
        if isinstance(sighting, Silent):
            self.lost_sight()
            return
        self.heard = now
        if isinstance(sighting, Nowhere):
            self._unseen = now if self._unseen is None else self._unseen
        else:
            self._unseen = None
            self.ran, self._cut = isinstance(sighting, Running), False

    def lost_sight(self) -> None:
        """The backend is away, or its websocket."""
        self._cut |= self.ran

    @property
    def missing(self) -> float:
        """Seconds between the first and the last look that found it nowhere, nothing between."""
        return 0.0 if self._unseen is None else self.heard - self._unseen

    def gone(self, *, one_server: bool) -> Ending:
        """What it means that the backend does not have it (see `Renderer.one_server`)."""
        if self.unwanted:
            return Ending(CANCELED, "somebody asked, and the backend has let go of it")
        if self.ran and self._cut and one_server:
            return Ending(DIED, "the backend died, or was restarted, while it ran there")
        return Ending(LOST, "the backend no longer knows this prompt")
