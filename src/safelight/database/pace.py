"""How often one hears of an image that is being drawn: at most twice a second.

Steps and previews come from different sides, and each would be news.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from safelight.database.progress import Progress

_PAUSE: Final = 0.5  # s between two messages of one image
_REMEMBERED: Final = 5_000  # images


class Pace:
    """Passes progress on, now or as soon as it may; of what comes too soon, the last."""

    def __init__(self, pass_on: Callable[[Progress], None]) -> None:
        self._pass_on = pass_on
        self._told: dict[str, float] = {}  # image → when something of it was passed on, loop time
        self._held_back: dict[str, Progress] = {}

    def tell(self, progress: Progress) -> None:
        """How far an image is."""
        loop, image = asyncio.get_running_loop(), progress.image
        if image not in self._held_back:
            wait = self._told.get(image, float("-inf")) + _PAUSE - loop.time()
            if wait <= 0:
                self._tell(progress)
                return
            loop.call_later(wait, self._tell_late, image)
        self._held_back[image] = progress

    def held_back(self, image: str) -> Progress | None:
        """What will be passed on of an image."""
        return self._held_back.get(image)

    def forget(self, image: str) -> None:
        """It ended: what was held back is not passed on."""
        self._held_back.pop(image, None)
        self._told.pop(image, None)

    def _tell_late(self, image: str) -> None:
        if progress := self._held_back.pop(image, None):
            self._tell(progress)

    def _tell(self, progress: Progress) -> None:
        self._told.pop(progress.image, None)
        self._told[progress.image] = asyncio.get_running_loop().time()
        if len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]
        self._pass_on(progress)
