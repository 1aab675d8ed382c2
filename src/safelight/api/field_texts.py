"""What is wrong with a single field; `docs/reference/problems.md` says the same."""

from __future__ import annotations

from typing import Final

# Codes that stand in `errors` only, one per wrong field.
FIELDS: Final = {
    "bad-format": "The value does not have the pattern.",
    "bad-text": "A NUL, or half of a surrogate pair: text that cannot be kept.",
    "bad-value": "The value is not one of those allowed.",
    "given-twice": "The key stands in the same object twice.",
    "missing": "The field is required.",
    "out-of-range": "The number is too small or too large.",
    "too-deep": "Lists and objects are nested deeper than 32.",
    "too-long": "The text or list is too long.",
    "too-short": "The text is too short.",
    "unknown-field": "The field is not known here.",
    "wrong-type": "Another type is expected; numbers are not strings, and nothing is null.",
}
