"""The audit's pure parts: the merge of two ordered lists, and what is made of what was found."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core import auditing
from safelight.core.auditing import (
    MISSING,
    ORPHAN,
    SHARED_KEY,
    WRONG_SIZE,
    Bytes,
    Orphan,
    Owner,
    Pair,
    Row,
    Thing,
    Unordered,
    align,
    difference,
    file_verdict,
    orphan_verdict,
    suspicions,
)

KEYS = st.sampled_from([f"{u}/{c}/{n}" for u in ("a", "a-b", "a.b") for c in "xy" for n in "123"])


def rows_of(keys: list[str]) -> list[Row]:
    return [Row(key, f"{n:03}", 5, False) for n, key in enumerate(sorted(keys))]


def paged(
    rows: list[Row], things: list[Thing], row_pages: list[int], thing_pages: list[int]
) -> list[Pair]:
    """What comes of reading both in pages of these sizes, whichever is needed next."""
    held_rows: tuple[Row, ...] = ()
    held_things: tuple[Thing, ...] = ()
    found: list[Pair] = []
    turn = 0
    while held_rows or held_things or rows or things or turn == 0:
        count = row_pages[turn % len(row_pages)]
        held_rows, rows = (*held_rows, *rows[:count]), rows[count:]
        count = thing_pages[turn % len(thing_pages)]
        held_things, things = (*held_things, *things[:count]), things[count:]
        turn += 1
        ends = {"rows_end": not rows, "things_end": not things}
        aligned = align(held_rows, held_things, **ends)
        held_rows, held_things = aligned.rows, aligned.things
        found += aligned.pairs
    return found


@given(
    st.lists(KEYS, max_size=20),
    st.sets(KEYS),
    st.lists(st.integers(0, 4), min_size=1).filter(any),
    st.lists(st.integers(0, 4), min_size=1).filter(any),
)
def test_whatever_the_pages_every_key_is_paired_once(
    keys: list[str], there: set[str], row_pages: list[int], thing_pages: list[int]
) -> None:
    """Also a key that several rows name, across the end of a page."""
    rows = rows_of(keys)
    things = [Thing(key, 5) for key in sorted(there)]
    found = paged(rows, things, row_pages, thing_pages)
    named: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        named[row.key].append(row)
    assert [pair.key for pair in found] == sorted(there | named.keys())
    for pair in found:
        assert list(pair.rows) == named[pair.key]
        assert (pair.thing is not None) == (pair.key in there)


def test_what_is_not_in_order_is_not_judged() -> None:
    """A store that lists its keys in no order would make everything missing and orphaned."""
    ends = {"rows_end": True, "things_end": True}
    with pytest.raises(Unordered, match="rows"):
        align([Row("b", "1", 1, False), Row("a", "2", 1, False)], [], **ends)
    for keys in ("ba", "aa"):
        with pytest.raises(Unordered, match="store"):
            align([], [Thing(key, 1) for key in keys], **ends)


LIVING, DELETED = Row("k", "1", 5, False), Row("k", "2", 5, True)


@pytest.mark.parametrize(
    ("rows", "size", "kinds"),
    [
        ((LIVING,), 5, []),
        ((LIVING,), None, [MISSING]),
        ((LIVING,), 4, [WRONG_SIZE]),
        ((), 5, [ORPHAN]),
        ((DELETED,), None, []),
        ((DELETED,), 5, [ORPHAN]),
        ((LIVING, DELETED), 5, []),
        ((LIVING, LIVING), 5, [SHARED_KEY]),
        ((LIVING, LIVING), None, [SHARED_KEY, MISSING, MISSING]),
    ],
)
def test_what_may_be_wrong(rows: tuple[Row, ...], size: int | None, kinds: list[str]) -> None:
    thing = None if size is None else Thing("k", size)
    assert [kind for kind, _ in suspicions(Pair("k", rows, thing))] == kinds


def test_a_file_is_judged_by_its_row_as_it_is_now() -> None:
    assert file_verdict(LIVING, "k", 5) is None
    assert file_verdict(LIVING, "k", None) == MISSING
    assert file_verdict(LIVING, "k", 6) == WRONG_SIZE
    assert file_verdict(DELETED, "k", None) is None
    assert file_verdict(LIVING, "other", None) is None
    assert file_verdict(None, "k", None) is None


def owner(**fields: object) -> Owner:
    known = {"named": False, "deleted": False, "leaving": False, "wanted": False, "highest": 9}
    return Owner(**(known | fields))  # type: ignore[arg-type]


OLD = auditing.REMOVABLE_AFTER


@pytest.mark.parametrize("state", ["named", "leaving", "wanted"])
def test_what_somebody_may_still_claim_is_no_orphan(state: str) -> None:
    assert orphan_verdict(owner(**{state: True}), 3, OLD * 100) is None


def test_an_orphan_is_removed_when_it_is_old_and_surely_ours() -> None:
    assert orphan_verdict(owner(), 3, auditing.YOUNG - 1) is None
    assert orphan_verdict(owner(), 3, auditing.YOUNG) == Orphan(
        "no image names it; it is younger than an hour", removable=False
    )
    assert orphan_verdict(owner(), 9, OLD) == Orphan("no image names it", removable=True)
    deleted = orphan_verdict(owner(deleted=True), 3, auditing.YOUNG)
    assert deleted == Orphan("its image was deleted", removable=True)


@pytest.mark.parametrize("highest", [None, 8])
def test_what_another_database_may_own_is_told_and_left_alone(highest: int | None) -> None:
    found = orphan_verdict(owner(highest=highest), 9, OLD * 100)
    assert found is not None
    assert not found.removable
    assert "another" in found.detail


@pytest.mark.parametrize(
    ("ours", "theirs", "differs"),
    [
        (Bytes(5), Bytes(None), False),
        (Bytes(None), Bytes(5), False),
        (Bytes(5), Bytes(6), True),
        (Bytes(5, md5="A"), Bytes(5, md5="a"), False),
        (Bytes(5, md5="a"), Bytes(5, md5="b"), True),
        (Bytes(5, md5="a", sha256="c"), Bytes(5, md5="a", sha256="d"), True),
        (Bytes(5, sha256="c"), Bytes(5, md5="a"), False),
    ],
)
def test_copies_are_compared_in_what_both_sides_know(
    ours: Bytes, theirs: Bytes, differs: bool
) -> None:
    assert (difference(ours, theirs) is not None) == differs
