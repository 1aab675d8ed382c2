"""How API keys read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.keys import ALPHABET, key_text, read_key, sha256_of

WORDS = st.text(alphabet=ALPHABET)
KEY = key_text("A" * 8, "b" * 32)


@given(WORDS.filter(lambda word: len(word) >= 8), st.integers(0, 2**32))
def test_what_was_made_is_read(word: str, number: int) -> None:
    """Any id and any secret."""
    secret = f"{number:032d}"
    shown = read_key(key_text(word[:8], secret))
    assert shown.id == word[:8]
    assert shown.sha256 == sha256_of(key_text(word[:8], secret))


@given(st.integers(0, len(KEY) - 1), st.sampled_from(ALPHABET))
def test_a_mistyped_character_is_found(place: int, other: str) -> None:
    """One wrong character anywhere makes it no key."""
    wrong = KEY[:place] + other + KEY[place + 1 :]
    if wrong == KEY:
        return
    with pytest.raises(ValueError) as refusal:
        read_key(wrong)
    assert wrong not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    ["", "slk_", KEY[:-1], KEY + "0", f" {KEY}", f"{KEY}\n", KEY.upper(), "a" * 5_000, "slk_ä"],
)
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="an API key reads slk_"):
        read_key(text)
