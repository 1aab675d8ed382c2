"""What a copy is called at a publisher: templates under which no two pictures share a place.

A place is a path. No field holds a slash, so its parts can be told from another: where one part
belongs to the user alone and another to the character alone, two series never meet.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import Final

from safelight.core.naming import stem

FIELDS: Final = ("user", "character", "index", "stem", "name")
_TELL_APART: Final = frozenset({"index", "stem", "name"})  # the pictures of one series
_LITERAL = re.compile(r"[A-Za-z0-9._-]*")
_WIDTH = re.compile(r"0[1-9]d")
_LONGEST: Final = 500  # characters of a template


class PlaceTemplate:
    """Places of pictures and, beside them, of a series' `index.txt`.

    Raises ValueError, with what would be right, for a template under which two pictures could have
    one place, or that holds anything but letters, digits, `.`, `_`, `-`, `/` and its fields.

    Example:
        >>> template = PlaceTemplate("{user}/{character}/images/{stem}")
        >>> template.place("areg", "mira", 13, "areg_mira_image_00013_.png")
        'areg/mira/images/areg_mira_image_00013_'
        >>> template.index_place("areg", "mira")
        'areg/mira/index.txt'
    """

    def __init__(self, text: str) -> None:
        if not 0 < len(text) <= _LONGEST:
            raise ValueError(f"expected a template of 1 to {_LONGEST} characters")
        self.text = text
        parts = [_fields(part) for part in text.split("/")]
        _check_apart(parts)
        self._index_text = _index_template(text.split("/"), parts)

    def place(self, user: str, character: str, index: int, name: str) -> str:
        """Where this picture goes; `user`, `character` and `name` have been checked."""
        return self.text.format(
            user=user, character=character, index=index, stem=stem(name), name=name
        )

    def index_place(self, user: str, character: str) -> str:
        """Where the `index.txt` of this series goes."""
        return self._index_text.format(user=user, character=character)


def _fields(part: str) -> list[str]:
    """The fields of one part of the path."""
    try:
        pieces = list(Formatter().parse(part))
    except ValueError as error:
        raise ValueError(f"{part!r}: {error}") from None
    found = []
    for literal, field, width, conversion in pieces:
        if not _LITERAL.fullmatch(literal):
            raise ValueError(f"{literal!r} holds more than letters, digits, '.', '_', '-' and '/'")
        if field is not None:
            _check_field(field, width or "", conversion)
            found.append(field)
    if not found and part in ("", ".", ".."):
        raise ValueError("no part of the path may be empty, '.' or '..'")
    return found


def _check_field(field: str, width: str, conversion: str | None) -> None:
    if field not in FIELDS:
        raise ValueError(f"there is no field {{{field}}}; use {', '.join(FIELDS)}")
    if conversion or (width and not (field == "index" and _WIDTH.fullmatch(width))):
        raise ValueError(f"{{{field}}} takes no format; only {{index:05d}} may have a width")


def _check_apart(parts: list[list[str]]) -> None:
    for field in ("user", "character"):
        if [field] not in parts:
            raise ValueError(
                f"one part of the path must hold {{{field}}} and no other field, "
                'as in "{user}/{character}/images/{stem}": else two series could meet'
            )
    if not any(_TELL_APART & set(part) for part in parts):
        raise ValueError("without {index}, {stem} or {name} all pictures would have one place")


def _index_template(texts: list[str], parts: list[list[str]]) -> str:
    """In the folder that belongs to the series alone, if there is one."""
    length = 1 + max(parts.index(["user"]), parts.index(["character"]))
    if any(_TELL_APART & set(part) for part in parts[:length]):
        return "{user}/{character}/index.txt"
    return "/".join([*texts[:length], "index.txt"])
