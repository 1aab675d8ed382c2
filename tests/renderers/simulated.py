"""A simulator for tests of what talks to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lab_simulator(home: Path) -> Iterator[str]:
    """A simulator of the recordings' nodes, without a pause; its address."""
    command = [sys.executable, "-m", "safelight.simulator", "--home", str(home), "--port", "0"]
    with subprocess.Popen(
        [*command, "--seconds", "0", "--lab"], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout is not None
        word, address = process.stdout.readline().split()
        assert word == "ready"
        try:
            yield address
        finally:
            process.terminate()
