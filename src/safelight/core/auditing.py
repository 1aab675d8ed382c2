"""Whether rows, store and publishers agree: the merge of two ordered lists, and the verdicts.

What is found in two lists that were read one after the other is a suspicion only, since everything
goes on meanwhile. Whoever audits looks again, at the store first and at the row last, and asks here
what that means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Final, TypeVar

MISSING: Final = "missing"
WRONG_SIZE: Final = "wrong-size"
WRONG_BYTES: Final = "wrong-bytes"
ORPHAN: Final = "orphan"
DUPLICATE: Final = "duplicate"
SHARED_KEY: Final = "shared-key"
COPY_MISSING: Final = "copy-missing"
COPY_DIFFERENT: Final = "copy-different"
COPY_UNLISTED: Final = "copy-unlisted"
UNCHECKED: Final = "unchecked"

# What an audit can find, and what a repair does about it.
KINDS: Final = {
    MISSING: (
        "A stored image's file is not in the store.",
        "brought back from its backend, or from a copy with the same bytes",
    ),
    WRONG_SIZE: (
        "A stored image's file is shorter or longer than it was.",
        "replaced by the true bytes from its backend, or from a copy",
    ),
    WRONG_BYTES: (
        "A stored image's file has other bytes of the same length (`--deep`).",
        "replaced by the true bytes from its backend, or from a copy",
    ),
    ORPHAN: (
        "A picture in the store that no image names, or whose image was deleted.",
        "deleted when it is older than an hour and its series is ours",
    ),
    DUPLICATE: ("Images of one series have the same bytes.", "nothing, it is told"),
    SHARED_KEY: ("Two images name one file.", "nothing, it is told"),
    COPY_MISSING: (
        "An uploaded copy is not at its publisher.",
        "it is pending again, and uploaded by a worker",
    ),
    COPY_DIFFERENT: (
        "Something else lies at a copy's place.",
        "left alone; the publication is `failed`",
    ),
    COPY_UNLISTED: (
        "An image was to be copied to a publisher, and nothing says whether it was.",
        "it is pending, and uploaded by a worker",
    ),
    UNCHECKED: (
        "A publisher could not be asked, or stands in the settings no more.",
        "nothing; audit again",
    ),
}

YOUNG: Final = 900.0  # s; what was made since then may be somebody's who is at it
REMOVABLE_AFTER: Final = 3600.0  # s


class Unordered(Exception):
    """A list is not in the order of its keys: nothing can be said."""


@dataclass(frozen=True, slots=True)
class Row:
    """An image that names a key."""

    key: str
    image: str  # id
    bytes: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class Thing:
    """An object in the store."""

    key: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A key, who names it, and what lies there."""

    key: str
    rows: tuple[Row, ...]
    thing: Thing | None


@dataclass(frozen=True, slots=True)
class Aligned:
    """As far as two lists are known: pairs, and what must wait for more of the other list."""

    pairs: tuple[Pair, ...]
    rows: tuple[Row, ...]
    things: tuple[Thing, ...]


def align(
    rows: Sequence[Row], things: Sequence[Thing], *, rows_end: bool, things_end: bool
) -> Aligned:
    """Pair what has the same key, in the order of keys, up to where both lists are known.

    `rows` may have a key more than once, `things` may not. An end says that nothing follows.

    Raises:
        Unordered: a list is not in the order of its keys.

    Example:
        >>> rows = [Row("a", "1", 5, False), Row("c", "2", 5, False)]
        >>> found = align(rows, [Thing("b", 5)], rows_end=True, things_end=True)
        >>> [(pair.key, len(pair.rows), pair.thing is not None) for pair in found.pairs]
        [('a', 1, False), ('b', 0, True), ('c', 1, False)]
    """
    _check_order(rows, things)
    if not (rows or rows_end) or not (things or things_end):
        return Aligned((), tuple(rows), tuple(things))
    # The last key of a list that goes on may come once more.
    limits = [*([] if rows_end else [rows[-1].key]), *([] if things_end else [things[-1].key])]
    limit = min(limits) if limits else None
    named = {key: tuple(group) for key, group in groupby(_below(rows, limit), attrgetter("key"))}
    there = {thing.key: thing for thing in _below(things, limit)}
    pairs = tuple(
        Pair(key, named.get(key, ()), there.get(key)) for key in sorted(named.keys() | there.keys())
    )
    return Aligned(pairs, tuple(_from(rows, limit)), tuple(_from(things, limit)))


Keyed = TypeVar("Keyed", Row, Thing)


def _check_order(rows: Sequence[Row], things: Sequence[Thing]) -> None:
    if any(one.key > other.key for one, other in pairwise(rows)):
        raise Unordered("the rows are not in the order of their keys")
    if any(one.key >= other.key for one, other in pairwise(things)):
        raise Unordered("the store does not list its keys in their order")


def _below(items: Sequence[Keyed], limit: str | None) -> list[Keyed]:
    return [item for item in items if limit is None or item.key < limit]


def _from(items: Sequence[Keyed], limit: str | None) -> list[Keyed]:
    return [item for item in items if limit is not None and item.key >= limit]


def suspicions(pair: Pair) -> list[tuple[str, Row | None]]:
    """What may be wrong with a key: kinds, and the row each is about.

    Example:
        >>> suspicions(Pair("a", (), Thing("a", 5)))
        [('orphan', None)]
    """
    living = [row for row in pair.rows if not row.deleted]
    if not living:
        return [(ORPHAN, None)] if pair.thing else []
    found: list[tuple[str, Row | None]] = [(SHARED_KEY, row) for row in living[1:]]
    if pair.thing is None:
        found += [(MISSING, row) for row in living]
    else:
        found += [(WRONG_SIZE, row) for row in living if row.bytes != pair.thing.bytes]
    return found


def file_verdict(row: Row | None, key: str, size: int | None) -> str | None:
    """What is wrong with a file of that size (None: none) whose row is now that one.

    The size was read before the row: a file goes only after its row says so.
    """
    if row is None or row.deleted or row.key != key:
        return None
    if size is None:
        return MISSING
    return WRONG_SIZE if size != row.bytes else None


@dataclass(frozen=True, slots=True)
class Owner:
    """What the database knows of a key that no living image seemed to name."""

    named: bool  # an image that is not deleted names it
    deleted: bool  # one that is deleted does
    leaving: bool  # and its file is about to be removed
    wanted: bool  # its attempt is open, or the image of its attempt has not ended
    highest: int | None  # reserved index of its series, None for a series that has none


@dataclass(frozen=True, slots=True)
class Orphan:
    """An object that nobody names."""

    detail: str
    removable: bool


def orphan_verdict(owner: Owner, index: int, age: float) -> Orphan | None:
    """Whether an object of that index and age (s) is nobody's; it was seen before `owner` was read.

    One of a series that this database does not know, or of an index it never gave out, may be
    another database's: it is told, and not to be removed.
    """
    if owner.named or owner.leaving or owner.wanted or age < YOUNG:
        return None
    if owner.deleted:
        return Orphan("its image was deleted", removable=True)
    if owner.highest is None or index > owner.highest:
        detail = "this database never gave its index out: it may be another one's"
        return Orphan(detail, removable=False)
    if age < REMOVABLE_AFTER:
        return Orphan("no image names it; it is younger than an hour", removable=False)
    return Orphan("no image names it", removable=True)


@dataclass(frozen=True, slots=True)
class Bytes:
    """What is known of a copy's bytes; None is not known."""

    size: int | None
    md5: str | None = None  # hex
    sha256: str | None = None  # hex


def difference(ours: Bytes, theirs: Bytes) -> str | None:
    """In what two differ, of what is known of both; None: in nothing.

    Example:
        >>> difference(Bytes(5, md5="a"), Bytes(5, sha256="b")), difference(Bytes(5), Bytes(4))
        (None, 'it has 4 bytes instead of 5')
    """
    if None not in (ours.size, theirs.size) and ours.size != theirs.size:
        return f"it has {theirs.size} bytes instead of {ours.size}"
    for name in ("md5", "sha256"):
        one, other = getattr(ours, name), getattr(theirs, name)
        if one and other and one.lower() != other.lower():
            return "it has other bytes"
    return None
