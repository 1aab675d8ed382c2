"""How many files and connections a process may have open."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
from safelight.assembly.descriptors import many_files
many_files(2_000)
print("limit", *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "after", "warned"),
    [
        (1_024, 4_096, 2_300, False),
        (1_024, 2_000, 2_000, True),
        (4_000, 4_096, 4_000, False),
    ],
)
def test_the_limit_is_raised_for_all_who_may_listen(
    soft: int, hard: int, after: int, warned: bool
) -> None:
    """As far as the system lets it; where that is not enough, the log says what to do."""
    command = [sys.executable, "-c", PROGRAM, str(soft), str(hard)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"limit {after} {hard}\n" in done.stdout
    assert ("server.max_listeners" in done.stdout) == warned
