"""The words that are drawn, and the names that may stand among them."""

from __future__ import annotations

import re
from typing import Final

from safelight.core.errors import Invalid
from safelight.core.records import Character, Order, Style

_SEGMENT: Final = r"[A-Za-z0-9_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*"
# The token ends at white space or a comma, and brackets would weigh it; a subfolder is allowed.
_EMBEDDING = re.compile(rf"(?=.{{1,200}}\Z){_SEGMENT}(?:/{_SEGMENT})*")


def texts(character: Character, style: Style | None, order: Order) -> tuple[str, str]:
    """(positive, negative), comma-joined, empty parts left out.

    Positive: the style's words, the token `embedding:NAME`, the character's prompt, the request's.
    Negative: the style's, the character's, the request's. The request's embedding takes the place
    of the character's. Raises `Invalid` when the name of an embedding cannot be a token.
    """
    token = None
    if order.embedding is not None:
        token = f"embedding:{check_embedding(order.embedding, '/embedding')}"
    elif character.embedding is not None:
        token = f"embedding:{check_embedding(character.embedding, '/character')}"
    words = style or Style("")
    positive = (words.prompt, token, character.prompt, order.prompt)
    negative = (words.negative_prompt, character.negative_prompt, order.negative_prompt)
    return _joined(positive), _joined(negative)


def check_embedding(name: str, pointer: str) -> str:
    """The name itself: letters, digits, `_`, `-`, `.` and `/`, not leaving its folder.

    Raises `Invalid` at `pointer`.
    """
    if not _EMBEDDING.fullmatch(name):
        detail = "an embedding's name has letters, digits, '_', '-', '.' and '/', at most 200"
        raise Invalid(detail, pointer=pointer, code="bad-embedding")
    return name


def _joined(parts: tuple[str | None, ...]) -> str:
    stripped = ((part or "").strip(" \t\r\n,") for part in parts)
    return ", ".join(part for part in stripped if part)
