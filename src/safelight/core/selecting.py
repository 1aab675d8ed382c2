"""Which images of a series are meant: by how they are, or by their indices as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from safelight.core.errors import Gone, Invalid, NotStored, Unknown
from safelight.core.states import CANCELED, FAILED, STORED

MOST: Final = 10_000
"""The most images that one request may name."""
LARGEST: Final = 2**31 - 1
"""The largest index that one may name."""
_PART: Final = re.compile(r"([1-9][0-9]{0,9})(?:-([1-9][0-9]{0,9}))?", re.ASCII)
_FIRST: Final = 10  # indices that a refusal names
_ADVICE: Final = "leave them out, or name none to get all there are"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which images of a series; None: whatever they are."""

    status: str | None = None
    starred: bool | None = None
    deleted: bool | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """Which indices of a series match."""

    highest: int  # highest reserved index of the series, 0 for none
    count: int
    ranges: Sequence[tuple[int, int]]  # from and to, both included, highest first


@dataclass(frozen=True, slots=True)
class Named:
    """An image of a series that somebody has named by its index."""

    index: int
    status: str
    deleted: bool


def read_indices(text: str, pointer: str) -> tuple[int, ...]:
    """The indices of a text such as `13,12,10-4`, each once, highest first.

    Raises:
        Invalid: it is no such text, or names more than MOST images.

    Example:
        >>> read_indices("13,10-8", "?indices")
        (13, 10, 9, 8)
    """
    found: set[int] = set()
    asked = 0
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _malformed(f"{part[:40]!r} is no index and no range of indices", pointer)
        high, low = int(match[1]), int(match[2] or match[1])
        if high > LARGEST:
            raise _malformed(f"an index is at most {LARGEST}", pointer)
        if low > high:
            raise _malformed(f"a range has its higher index first: {low}-{high}", pointer)
        # Counted before they are put together: what repeats itself must not cost more than it may.
        asked += high - low + 1
        if asked > MOST:
            raise _malformed(f"at most {MOST} images can be asked for at once", pointer)
        found.update(range(low, high + 1))
    return tuple(sorted(found, reverse=True))


def check_files(asked: Iterable[int], known: Sequence[Named]) -> None:
    """Whether all these images have files. `known` are those of them that there are.

    Raises `Unknown`, `Gone` or `NotStored`, with the first indices concerned.
    """
    there = {one.index for one in known}
    if named := _named(index for index in asked if index not in there):
        raise Unknown(f"there are no images {named}; {_ADVICE}")
    if named := _named(one.index for one in known if one.deleted):
        raise Gone(f"these images were deleted: {named}; {_ADVICE}")
    missing = [one for one in known if one.status != STORED]
    if named := _named(one.index for one in missing):
        refusal = NotStored(f"these images are not stored: {named}; {_ADVICE}")
        if any(one.status in (FAILED, CANCELED) for one in missing):
            refusal.retry_after = None  # however long one waits, one of them will not come
        raise refusal


def _named(indices: Iterable[int]) -> str:
    """The first of them, for a sentence; empty where there is none."""
    first = list(islice(indices, _FIRST + 1))
    return ", ".join(str(index) for index in first[:_FIRST]) + " and more" * (len(first) > _FIRST)


def _malformed(detail: str, pointer: str) -> Invalid:
    return Invalid(f"{detail}; write them as 13,12,10-4", pointer=pointer)
