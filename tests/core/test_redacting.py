"""What looks like a secret is taken out of a text, and what is known to be one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.keys import key_text
from safelight.core.redacting import HIDDEN, SHORTEST, Redactor
from safelight.core.signing import secret_of

KEY = key_text("Ab3dE6gH", "s" * 32)
SECRET = secret_of(b"s" * 32)

# A text, and what must not be left of it.
TEXTS = [
    (f"the key {KEY} was refused", KEY),
    (f"{KEY[:30]}", KEY[4:30]),
    (f"signed with {SECRET}.", SECRET),
    (f"Authorization: Bearer {KEY}", KEY),
    ("{'authorization': 'Key fal-5e6f:7a8b'}", "fal-5e6f"),
    ('"Authorization": "Basic dXNlcjpwYXNz"', "dXNlcjpwYXNz"),
    ("(b'cookie', b'session=abcdef; other=1')", "abcdef"),
    ("bearer   abc.def.ghi, and more", "abc.def.ghi"),
    ("GET /v1/images/1/file?expires=1&sig=abc123&x=1", "abc123"),
    ("https://bucket.s3.amazonaws.com/a?X-Amz-Signature=feed&X-Amz-Security-Token=beef", "feed"),
    ("https://bucket.s3.amazonaws.com/a?X-Amz-Signature=feed&X-Amz-Security-Token=beef", "beef"),
    ("https://cdn.example/a.png?access_token=hidden", "hidden"),
    ("postgresql://safelight:pass@word@db.example/x", "pass@word"),
    ("password=hunter2 host=db", "hunter2"),
    ("AWS_SECRET_ACCESS_KEY=abcdefg", "abcdefg"),
    ("sent safelight_session=Ab3dE6gH.1.K.sIgNeD twice", "sIgNeD"),
]


@pytest.mark.parametrize(("text", "hidden"), TEXTS)
def test_what_looks_like_a_secret_is_taken_out(text: str, hidden: str) -> None:
    said = Redactor().text(text)
    assert hidden not in said
    assert HIDDEN in said


INNOCENT = [
    "image stored",
    "attempt ended: lost, the backend no longer knows this prompt",
    "http://127.0.0.1:8188/prompt answered 500",
    "the keyring was read; 3 tokens made, design by author=ann",
    "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_what_does_not_stays_as_it_is(text: str) -> None:
    assert Redactor(["other secret"]).text(text) == text


@pytest.mark.parametrize("spelled", ["p/w ö'\"+", "p%2Fw%20%C3%B6%27%22%2B", "p/w ö\\'\"+"])
def test_a_known_secret_is_found_however_it_is_spelled(spelled: str) -> None:
    """As it is, in a URL, in what Python shows."""
    assert Redactor(["p/w ö'\"+"]).text(f"said <{spelled}> twice") == f"said <{HIDDEN}> twice"


def test_a_secret_within_another_hides_both() -> None:
    assert Redactor(["longer-secret", "secret-word", "longer-secret-word"]).text(
        "longer-secret-word, secret-word, longer-secret"
    ) == ", ".join([HIDDEN] * 3)


def test_what_is_too_short_to_be_one_is_not_looked_for() -> None:
    """It would be found in innocent words."""
    assert Redactor(["s" * (SHORTEST - 1), ""]).text("sssss") == "sssss"
    assert Redactor(["s" * SHORTEST]).text("ssssss") == HIDDEN


def test_everything_within_a_value_is_looked_at() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    value: Any = {
        "list": [KEY, 1, None, True, 1.5],
        KEY: {"inner": (SECRET, {KEY})},
        "error": ValueError(f"no {KEY}"),
        "bytes": KEY.encode(),
        "at": at,
    }
    said = Redactor().value(value)
    assert KEY not in repr(said)
    assert SECRET not in repr(said)
    assert said["list"][1:] == [1, None, True, 1.5]
    assert said["at"] == repr(at)


@pytest.mark.parametrize(
    "piece", ["a", "sig", "://", "bearer ", "token-", "authorization", "=", "slk_"]
)
def test_a_hostile_text_does_not_take_long(piece: str) -> None:
    """Some seconds for a hundred thousand characters would already be a way to stop the service;
    what grows with the square takes minutes."""
    began = time.process_time()
    Redactor(["some secret"]).text(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 10


@given(st.text("ab1", max_size=20), st.text("ab1", min_size=SHORTEST, max_size=12))
def test_no_known_secret_is_ever_left(text: str, secret: str) -> None:
    assert secret not in Redactor([secret]).text(text + secret + text)
