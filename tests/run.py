"""`make test`: pytest over everything, then the coverage that must be held.

Exit code 0 only if every test passed and the coverage of `BARS` is reached. Tests run in three
processes: most of them wait for others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIMIT = 3000
"""Seconds. A single test that hangs is ended by pytest-timeout; this is for all that is around."""
# A file's tests stay together, and files keep the order that tests/conftest.py gives them.
SPREAD = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")
# What of our code must be run by the tests, lines and branches, in percent.
BARS = (("src/safelight/core/*", 100), ("src/safelight/*", 90))


def main(arguments: list[str]) -> int:
    """Run the tests with these extra arguments for pytest."""
    data = ROOT / ".cache" / "coverage"
    data.mkdir(parents=True, exist_ok=True)
    for old in data.glob("*"):
        old.unlink()
    environ = {**os.environ, "COVERAGE_FILE": str(data / "data"), "COVERAGE_CORE": "ctrace"}
    tests = _run(
        ["coverage", "run", "-m", "pytest", *SPREAD, *arguments],
        environ,
    )
    _run(["coverage", "combine", "-q"], environ)
    bars = [
        _run(["coverage", "report", f"--include={include}", f"--fail-under={bar}"], environ)
        for include, bar in BARS
    ]
    return tests or max(bars)


def _run(command: list[str], environ: dict[str, str]) -> int:
    run = [sys.executable, "-m", *command]
    try:
        return subprocess.run(run, cwd=ROOT, env=environ, timeout=LIMIT).returncode
    except subprocess.TimeoutExpired:
        print(f"given up after {LIMIT} s: {' '.join(command)}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
