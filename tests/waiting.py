"""Waiting for a condition, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], object], seconds: float = 30) -> float:
    """Until it is true; the seconds that took. A KeyError counts as not yet."""
    began = time.monotonic()
    while True:
        try:
            if condition():
                return time.monotonic() - began
        except KeyError:
            pass
        assert time.monotonic() - began < seconds, f"still not so after {seconds} s"
        time.sleep(0.05)
