"""What is signed, and what is not believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.linking import (
    SigningKey,
    read_link,
    read_session,
    sign_link,
    sign_session,
    unsigned,
)

KEY = SigningKey("k1", b"a" * 32)
OTHER = SigningKey("k1", b"b" * 32)
PATH = "/v1/images/7d0f7a4e-94a6-4b6c-9e55-0f0d9f3b4a11/file"
NAMES = st.text(max_size=5).filter(lambda name: name not in ("exp", "kid", "sig"))


@given(st.dictionaries(NAMES, st.text(max_size=9), max_size=4), st.integers(0, 10**12 - 1))
def test_what_was_signed_fits_in_any_order(params: dict[str, str], expires: int) -> None:
    """Whatever the parameters are; without the signature the same parameters are left."""
    pairs = sign_link(KEY, PATH, params, expires)
    link = read_link(PATH, list(reversed(pairs)))
    assert (link.key, link.expires) == ("k1", expires)
    assert link.fits(KEY)
    assert not link.fits(OTHER)
    assert dict(unsigned(pairs)) == params


@given(st.integers(0, 3), st.text(max_size=50))
def test_nothing_can_be_exchanged(place: int, other: str) -> None:
    """Another value in any place: it does not fit, or is refused as no link."""
    pairs = list(sign_link(KEY, PATH, {"width": "320"}, 1_000))
    name, value = pairs[place]
    if value == other:
        return
    pairs[place] = (name, other)
    try:
        link = read_link(PATH, pairs)
    except ValueError:
        assert name == "exp"
    else:
        assert not link.fits(KEY)


@pytest.mark.parametrize("more", [("width", "2048"), ("", ""), ("download", "1")])
def test_nothing_can_be_added_or_left_out(more: tuple[str, str]) -> None:
    pairs = list(sign_link(KEY, PATH, {"width": "320"}, 1_000))
    assert not read_link(PATH, [*pairs, more]).fits(KEY)
    assert not read_link(PATH, pairs[1:]).fits(KEY)
    assert not read_link(PATH.replace("file", "thumbnail"), pairs).fits(KEY)


@pytest.mark.parametrize("name", ["exp", "kid", "sig"])
def test_a_part_that_is_missing_or_doubled_makes_it_no_link(name: str) -> None:
    pairs = list(sign_link(KEY, PATH, {}, 1_000))
    with pytest.raises(ValueError, match=name):
        read_link(PATH, [pair for pair in pairs if pair[0] != name])
    with pytest.raises(ValueError, match=name):
        read_link(PATH, [*pairs, next(pair for pair in pairs if pair[0] == name)])


@pytest.mark.parametrize("expires", ["", "-1", "1.5", "1e9", "٣", "9" * 13])
def test_a_moment_is_a_number(expires: str) -> None:
    with pytest.raises(ValueError, match="exp is no moment"):
        read_link(PATH, [("exp", expires), ("kid", "k1"), ("sig", "x")])


def test_a_session_names_its_key_and_fits_as_a_whole() -> None:
    """Neither key nor moment can be exchanged, and the signature of a link is none of a session."""
    cookie = sign_session(KEY, "AAAAAAAA", 1_000)
    session = read_session(cookie)
    assert (session.api_key, session.link.expires, session.link.key) == ("AAAAAAAA", 1_000, "k1")
    assert session.link.fits(KEY)
    assert not session.link.fits(OTHER)
    for old, new in (("AAAAAAAA", "BBBBBBBB"), (".1000.", ".1001."), (".k1.", ".k2.")):
        assert not read_session(cookie.replace(old, new)).link.fits(KEY)
    link = sign_link(KEY, "AAAAAAAA", {}, 1_000)
    assert not read_session(f"AAAAAAAA.1000.k1.{link[-1][1]}").link.fits(KEY)


@pytest.mark.parametrize("cookie", ["", "a.1.b", "a.b.c.d", "a.1.b.c.d", "." * 500, "ä"])
def test_what_is_no_session_is_refused(cookie: str) -> None:
    with pytest.raises(ValueError, match="this is no session"):
        read_session(cookie)


def test_a_signing_key_is_not_shown() -> None:
    assert "aaaa" not in repr(KEY)
