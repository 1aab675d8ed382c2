"""What is repeated of a far side's words, and for how long it is left alone."""

from __future__ import annotations

from email.utils import formatdate
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.publishers.saying import LONGEST_PAUSE, pause, words


@given(st.text("xyz \n\x00"), st.text("ab/+%&é", min_size=4), st.text("xyz \n\x00"))
def test_no_secret_is_repeated_in_any_spelling(before: str, secret: str, after: str) -> None:
    """As it is, or as a URL would have it; what is left is one short printable line."""
    for spelling in (secret, quote(secret), quote(secret, safe="")):
        told = words(f"{before}{spelling}{after}", [secret, ""])
        assert not set(secret) & set(told)
        assert told.isprintable()
        assert len(words(told * 200, [])) <= 401


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "0"}, 0.5),
        ({"Retry-After": "12.5"}, 12.5),
        ({"Retry-After": "99999999"}, LONGEST_PAUSE),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": formatdate(1_000_030, usegmt=True)}, 30),
        ({"Retry-After": formatdate(999_000, usegmt=True)}, 0.5),
        ({"Retry-After": "Mon, 99 Foo 2026 99:99:99 GMT"}, None),
        ({"X-FeatureRateLimit-Reset": formatdate(1_000_060, usegmt=True)}, 60),
        ({"Retry-After": "7", "X-FeatureRateLimit-Reset": "60"}, 7),
        ({"Retry-After": "soon", "X-FeatureRateLimit-Reset": "60"}, 60),
    ],
)
def test_a_pause_is_read_and_never_too_long(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds or a date; anything else is nothing said."""
    assert pause(headers, 1_000_000.0) == seconds


@given(st.text())
def test_any_header_is_a_pause_or_none(text: str) -> None:
    """It comes from a stranger."""
    seconds = pause({"Retry-After": text}, 0.0)
    assert seconds is None or 0 < seconds <= LONGEST_PAUSE
