"""A rendering's time: from start to end, painting and saving included."""

from __future__ import annotations

import time
from threading import Event

PATIENCE = 0.05  # seconds between two looks at whether the wait is still wanted


class AbandonedError(Exception):
    """The server this prompt ran on is gone; nobody is to be told anything."""


class Clock:
    """Starts with the rendering."""

    def __init__(self, seconds: float, gone: Event) -> None:
        self._gone = gone
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def stretch(self, factor: float) -> None:
        """Let the rendering take so many times as long."""
        self._end += (factor - 1) * self._seconds

    def before(self, work: float) -> float:
        """Seconds to let pass before work that takes so long; at most half the time is work."""
        return max(0.0, self.left() - min(work, self._seconds / 2))

    def left(self) -> float:
        """Seconds until the rendering should have ended, 0 when it is late."""
        return max(0.0, self._end - time.monotonic())

    def wait(self, seconds: float) -> None:
        """Sleep, unless the server goes away."""
        if self._gone.wait(max(0.0, seconds)):
            raise AbandonedError

    def wait_for_ever(self) -> None:
        """Until the server goes away."""
        self._gone.wait()
        raise AbandonedError


class Effort:
    """How long a pixel takes to paint and save here, learned from what was saved.

    Rather too long than too short: who is done too early can still wait.
    """

    def __init__(self) -> None:
        self._per_pixel = 100e-9
        self._fixed = 1.5e-3

    def expected(self, pixels: int) -> float:
        """Seconds that so many pixels will take."""
        return self._fixed + pixels * self._per_pixel

    def learn(self, pixels: int, seconds: float) -> None:
        """Seconds that so many pixels took; small pictures teach the fixed part."""
        if pixels > 65536:
            self._per_pixel = _wary(self._per_pixel, (seconds - self._fixed) / pixels)
        else:
            self._fixed = _wary(self._fixed, seconds - pixels * self._per_pixel)


def _wary(known: float, seen: float) -> float:
    """Up quickly, down slowly, and never all the way for one that took unusually long."""
    return known + (0.3 if seen > known else 0.05) * (max(0.0, seen) - known)
