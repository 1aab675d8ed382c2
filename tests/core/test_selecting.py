"""Which images of a series are meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.errors import Gone, Invalid, NotStored, Unknown
from safelight.core.selecting import LARGEST, MOST, Named, check_files, read_indices


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("13", (13,)),
        ("13,12,10-4", (13, 12, 10, 9, 8, 7, 6, 5, 4)),
        ("4,5,13", (13, 5, 4)),
        ("5-5", (5,)),
        ("9-7,8,8-6", (9, 8, 7, 6)),
        (f"{LARGEST}", (LARGEST,)),
    ],
)
def test_indices_as_people_write_them(text: str, indices: tuple[int, ...]) -> None:
    """Each once, highest first, in whatever order they are named."""
    assert read_indices(text, "?indices") == indices


@given(st.sets(st.integers(1, LARGEST), min_size=1, max_size=30))
def test_any_set_is_read_back(wanted: set[int]) -> None:
    text = ",".join(str(index) for index in wanted)
    assert read_indices(text, "?indices") == tuple(sorted(wanted, reverse=True))


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "1,", ",1", "1,,2", " 1", "1 ", "1, 2", "+1", "-1", "1-", "-", "1-2-3", "--"),
        *("0", "00", "01", "0-0", "1-0", "4-10", "x", "1.0", "1e3", "0x10", "٣", "²", "1\n", "1\0"),
        *(str(LARGEST + 1), "9" * 11, "9" * 5_000, f"{LARGEST + 1}-{LARGEST}"),
    ],
)
def test_what_is_no_list_of_indices(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_indices(text, "?indices")
    assert refused.value.errors[0].pointer == "?indices"
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize(
    "text", [f"{MOST + 1}-1", f"{LARGEST}-1", "6000-1,6000-1", "1," * MOST + "1"]
)
def test_more_than_may_be_asked_for_is_refused(text: str) -> None:
    """Counted as often as it is named, so that what repeats itself costs no more."""
    with pytest.raises(Invalid, match="at most 10000 images"):
        read_indices(text, "?indices")
    assert len(read_indices(f"{MOST}-1", "?indices")) == MOST


def stored(*indices: int) -> list[Named]:
    return [Named(index, "stored", False) for index in indices]


def test_images_that_have_files() -> None:
    check_files((3, 1), stored(3, 1))


def test_images_that_are_not_there_are_named() -> None:
    with pytest.raises(Unknown, match=r"no images 9, 7; "):
        check_files((9, 8, 7), [*stored(8), Named(6, "failed", False)])
    with pytest.raises(Unknown, match="20, 19, 18, 17, 16, 15, 14, 13, 12, 11 and more;"):
        check_files(range(20, 0, -1), [])


def test_images_that_were_deleted_are_named() -> None:
    with pytest.raises(Gone, match="deleted: 8; "):
        check_files((9, 8), [*stored(9), Named(8, "stored", True)])


@pytest.mark.parametrize(
    ("statuses", "retry_after"),
    [(("queued", "dispatched"), 1.0), (("failed", "queued"), None), (("canceled",), None)],
)
def test_images_that_are_not_stored_are_named(
    statuses: tuple[str, ...], retry_after: float | None
) -> None:
    """One may wait only for what will come."""
    known = [Named(index, status, False) for index, status in enumerate(statuses, 1)]
    with pytest.raises(NotStored, match="not stored: 1") as refused:
        check_files([one.index for one in known], known)
    assert refused.value.retry_after == retry_after
