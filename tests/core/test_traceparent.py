"""W3C Trace Context: what is read, what is refused, and where spans belong without asking."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.traceparent import Place, place_of_attempt, place_of_batch, read_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"
BATCH, PROMPT = (str(UUID(int=n, version=4)) for n in (2**120, 2**119))
NONE = [
    None,
    "",
    "garbage",
    GOOD.upper(),
    GOOD[:-1],
    f"{GOOD}-more",  # version 0 says no more
    f"ff-{TRACE}-{SPAN}-01",
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE}-{SPAN}-0x",
    f"00-{TRACE}-{SPAN}-01\nx-evil: 1",
    f"01-{TRACE}-{SPAN}-01-{'a' * 401}",
    "００" + GOOD[2:],
]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_traceparent_is_passed_over(text: str | None) -> None:
    assert read_traceparent(text) is None


@pytest.mark.parametrize("text", [GOOD, f" {GOOD}\t", f"cc-{TRACE}-{SPAN}-03-and-more"])
def test_a_traceparent_is_read_and_written_in_our_version(text: str) -> None:
    read = read_traceparent(text)
    assert read == Place(TRACE, SPAN, True)
    assert read.text == GOOD


def test_who_does_not_keep_it_is_believed() -> None:
    read = read_traceparent(GOOD[:-2] + "00")
    assert read is not None
    assert not read.sampled
    assert place_of_attempt(BATCH, read.text, PROMPT).text.endswith("-00")


def test_an_attempt_has_its_own_number_in_the_trace_of_its_batch() -> None:
    """The same for everybody who works it out, and another one for another attempt."""
    here = place_of_attempt(BATCH, GOOD, PROMPT)
    assert here.trace == TRACE
    assert here.span == PROMPT.replace("-", "")[:16]
    assert here == place_of_attempt(BATCH, GOOD, PROMPT)
    assert here != place_of_attempt(BATCH, GOOD, BATCH)


def test_a_batch_that_nobody_traced_has_a_place_of_its_own() -> None:
    there = place_of_batch(BATCH, None)
    assert there.trace == UUID(BATCH).hex
    assert read_traceparent(there.text) == there
    assert place_of_batch(BATCH, "garbage") == there


@given(st.text(max_size=80))
def test_whatever_comes_is_read_or_passed_over(text: str) -> None:
    read = read_traceparent(text)
    assert read is None or read_traceparent(read.text) == read
