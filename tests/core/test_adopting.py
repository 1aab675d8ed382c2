"""Taking over old pictures: which to look for, which to take, what is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.adopting import (
    FARTHEST,
    LARGEST,
    TAKEN,
    TOO_LARGE,
    TWICE,
    Found,
    Known,
    Left,
    Means,
    Names,
    Report,
    apart,
    gaps,
    goes_on_after,
    next_block,
    read_index,
    sort,
    twins,
)
from safelight.core.naming import DEFAULT_TEMPLATE, is_prompt_id

NAMES = Names(DEFAULT_TEMPLATE, "ann", "mira")


def found(index: int, size: int | None = 100, *, digits: int = 5) -> Found:
    return Found(index, f"ann_mira_image_{index:0{digits}d}_.png", size)


def looked(present: set[int], known: int = 0) -> tuple[set[int], int]:
    """Every number that is asked for, where these are there; what is found, and up to where."""
    upto, seen = 0, set[int]()
    while block := next_block(upto, max(seen, default=0), known):
        assert block.start == upto + 1
        assert len(block) <= 5_000
        seen |= present & set(block)
        upto = block[-1]
    return seen, upto


def test_a_folder_without_gaps_is_looked_at_to_its_end_and_a_thousand_further() -> None:
    assert looked(set()) == (set(), 1_000)
    assert looked({1}) == ({1}, 1_001)
    assert looked(set(range(1, 301))) == (set(range(1, 301)), 1_300)


def test_gaps_are_looked_past() -> None:
    """A thousand in a row anywhere; later, as many as there were before; never over 10,000."""
    assert looked({1, 1_001, 2_001})[0] == {1, 1_001, 2_001}
    assert looked({1, 1_001, 2_001, 4_002})[0] == {1, 1_001, 2_001, 4_002}
    assert looked({1, 1_002}) == ({1}, 1_001)
    steps = {1, 1_000, 2_000, 4_000, 8_000, 16_000, 26_000}
    assert looked(steps | {36_001}) == (steps, 36_000)


def test_what_somebody_knows_is_looked_for_within_reason() -> None:
    assert looked({100_001}, known=100_001) == ({100_001}, 110_001)
    assert looked(set(), known=1_700_000_000) == (set(), FARTHEST)


@given(st.sets(st.integers(1, 5_000)), st.integers(0, 6_000))
def test_nothing_below_a_gap_of_a_thousand_is_missed(present: set[int], known: int) -> None:
    seen, upto = looked(present, known)
    reached = 0
    for index in sorted(present):
        if index <= max(reached + 1_000, known):
            assert index in seen
            reached = index
    assert upto >= max(reached + 1_000, known)


@pytest.mark.parametrize(
    ("data", "means", "number"),
    [
        (b"300", "last", 300),
        (b"300\n", "last", 300),
        (b"\xef\xbb\xbf 300\r\n", "last", 300),
        (b"00300", "last", 300),
        (b"301", "next", 300),
        (b"0", "last", 0),
        (b"0", "next", 0),
        (b"1", "next", 0),
        (b"100000000000", "last", LARGEST),
    ],
)
def test_an_index_file(data: bytes, means: Means, number: int) -> None:
    assert read_index(data, means) == number


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"-1",
        b"3.5",
        b"3 4",
        b"<html>",
        b"\xff\xfe3\x000\x00",
        "٣".encode(),
        b"1" * 5_000,
        b"100000000001",
        b"1795345664207",
    ],
)
def test_what_is_no_index_file(data: bytes) -> None:
    with pytest.raises(ValueError, match="number"):
        read_index(data, "last")


def test_an_adopted_picture_is_known_by_what_stands_for_its_attempt() -> None:
    """The same in every run, another for every number and series."""
    attempt = NAMES.attempt(13)
    assert is_prompt_id(attempt)
    assert attempt == Names(DEFAULT_TEMPLATE, "ann", "mira").attempt(13)
    assert NAMES.index_of(NAMES.spellings(13)[-1]) == 13
    others = [NAMES.attempt(14), Names(DEFAULT_TEMPLATE, "bob", "mira").attempt(13)]
    assert attempt not in others


def test_new_pictures_are_taken_in_order() -> None:
    order = sort([found(3), found(1), found(2)], {}, NAMES)
    assert [one.index for one in order.fresh] == [1, 2, 3]
    assert (order.already, order.left) == ((), ())


def test_what_was_adopted_before_is_known_again() -> None:
    """By its size, too; what was deleted since stays deleted; who tells no size is believed."""
    known = {
        1: Known(NAMES.attempt(1), 100, "a"),
        2: Known(NAMES.attempt(2), 100, "b"),
        3: Known(NAMES.attempt(3), None, None, deleted=True),
        4: Known(NAMES.attempt(4), 100, "d"),
    }
    files = [found(1), found(2, None), found(3), found(4, 101)]
    order = sort(files, known, NAMES)
    assert (order.fresh, order.already) == ((), (1, 2, 3))
    assert [(one.index, one.code) for one in order.left] == [(4, TAKEN)]


@pytest.mark.parametrize("attempt", [None, "20edc183-8a5f-4c41-8e29-d2d3a8a3ad31"])
def test_a_number_that_another_image_has_is_left_alone(attempt: str | None) -> None:
    order = sort([found(1)], {1: Known(attempt, 100, None)}, NAMES)
    [left] = order.left
    assert (left.index, left.code) == (1, TAKEN)
    assert order.fresh == ()


def test_of_two_files_with_one_number_the_usual_name_counts() -> None:
    order = sort([found(7, digits=4), found(7)], {}, NAMES)
    assert order.fresh == (found(7),)
    [left] = order.left
    assert (left.name, left.code) == ("ann_mira_image_0007_.png", TWICE)
    assert "image_00007_" in left.detail


def test_a_number_that_cannot_be_an_index_is_left() -> None:
    order = sort([found(LARGEST), found(LARGEST + 1)], {}, NAMES)
    assert [one.index for one in order.fresh] == [LARGEST]
    assert [one.code for one in order.left] == [TOO_LARGE]
    assert goes_on_after([found(7), found(LARGEST + 1)], None, 0) == 7


def test_the_series_goes_on_after_the_highest_of_all() -> None:
    assert goes_on_after([], None, 0) == 0
    assert goes_on_after([found(300)], 320, 8) == 320
    assert goes_on_after([found(300)], 298, 8) == 300
    assert goes_on_after([found(300)], 298, 400) == 400


@given(st.sets(st.integers(1, 200)))
def test_gaps_and_indices_make_all_numbers(indices: set[int]) -> None:
    missing = {n for first, last in gaps(indices) for n in range(first, last + 1)}
    assert missing | indices == set(range(1, max(indices, default=0) + 1))
    assert not missing & indices


def test_twins() -> None:
    assert twins({3: "a", 1: "a", 2: "b", 9: "a", 5: "b", 6: "c"}) == ((1, 3, 9), (2, 5))


@given(st.lists(st.sampled_from("abcdefgh")), st.integers(1, 6))
def test_no_batch_shows_a_picture_twice_and_nothing_is_lost(shown: list[str], most: int) -> None:
    batches = apart(enumerate(shown), lambda item: item[1], most)
    for batch in batches:
        assert 0 < len(batch) <= most
        assert len({pixels for _, pixels in batch}) == len(batch)
    assert sorted(item for batch in batches for item in batch) == list(enumerate(shown))


def report(**fields: object) -> Report:
    values: dict[str, object] = {
        "applied": True,
        "checked": True,
        "found": 2,
        "highest": 5,
        "missing": ((1, 3),),
        "index_file": None,
        "goes_on_after": 5,
        "adopted": (4, 5),
        "already": 0,
        "seed_unknown": 0,
        "twins": (),
        "left": (),
        **fields,
    }
    return Report(**values)  # type: ignore[arg-type]


def test_a_report_says_whether_anything_was_left_behind() -> None:
    assert report().complete
    assert report(adopted=(), already=2).complete
    assert not report(left=(Left(1, "a", TAKEN, "because"),)).complete
    assert not report(found=0, highest=0).complete
    assert report(found=0, highest=0, index_file=7).complete
    assert report(missing=((1, 3), (7, 7))).missing_count == 4


def test_a_disagreement_is_told() -> None:
    assert report().disagreement is None
    assert report(index_file=5).disagreement is None
    said = report(index_file=9).disagreement
    assert said is not None
    assert "9 was given out last" in said
    assert "highest picture is 5" in said
