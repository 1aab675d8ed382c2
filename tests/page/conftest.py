"""A darkroom with a database of its own for each test, and a browser to visit it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.page.browsing import Visits
from tests.page.scene import Darkroom
from tests.processes import Processes


@pytest.fixture
def open_darkroom(processes: Processes) -> Callable[..., Darkroom]:
    """Opens one as `Darkroom` takes it: `open_darkroom(seconds=2, faults={"oom": 1})`."""

    def opened(**wanted: object) -> Darkroom:
        return Darkroom(processes, **wanted)  # type: ignore[arg-type]

    return opened


@pytest.fixture
def darkroom(open_darkroom: Callable[..., Darkroom]) -> Darkroom:
    """The usual one."""
    return open_darkroom()


@pytest.fixture
def visit(processes: Processes) -> Iterator[Visits]:
    """Opens pages, and fails the test if one of them said or asked what it should not.

    It needs `processes` only to end before them: while it is there, no database can be dropped.
    """
    visits = Visits()
    try:
        yield visits
    finally:
        visits.close()
    assert visits.trouble == []
