"""How fast the disk is just now: every commit and every stored picture waits for it."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median


def sync_ms(folder: Path, times: int = 15) -> float:
    """Median milliseconds to write 8 kB there and have it on the disk.

    With pauses, as commits come: a disk that is never let go of answers many times faster.
    """
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            time.sleep(0.01)
            began = time.perf_counter()
            os.pwrite(file.fileno(), bytes(8192), 0)
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1e3)
    return median(taken)
