"""Why a backend takes no images, in one word of a short list."""

from __future__ import annotations

import pytest

from safelight.core.facts import READY, REASONS, why

SAID = [
    # state, reason, leased, draining, in a word
    ("ready", None, True, False, READY),
    ("ready", None, True, True, "draining"),
    ("ready", None, False, False, "undriven"),
    ("unreachable", "ConnectionRefusedError", True, False, "unreachable"),
    ("resting", "stuck: no progress for 600 s; restart it", True, False, "stuck"),
    ("resting", "the same server as pod-1", True, False, "twin"),
    ("resting", "let us down", True, False, "let-down"),
    ("resting", None, True, False, "let-down"),
    ("unknown", "no longer knows a prompt", True, False, "unknown"),
    ("something new", "a sentence that nobody foresaw", True, False, "unknown"),
]


@pytest.mark.parametrize(("state", "reason", "leased", "draining", "word"), SAID)
def test_a_reason_in_one_word(
    state: str, reason: str | None, leased: bool, draining: bool, word: str
) -> None:
    assert why(state, reason, leased=leased, draining=draining) == word
    assert word in (READY, *REASONS)
