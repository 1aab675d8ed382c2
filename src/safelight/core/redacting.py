"""What must not be read by others is taken out of a text: what looks like a secret, and known ones.

A log is read by many, kept for long and sent elsewhere. So nobody relies on every line having been
written with care.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

HIDDEN: Final = "***"
SHORTEST: Final = 6
"""A known secret of fewer characters is not looked for: it would be found in innocent words."""

_SECRET_WORD: Final = (
    "sig|signature|token|secret|passw(?:or)?d|pwd|api_?key|access_?key(?:_?id)?|credential"
    "|safelight_session"
)
# What a shape needs in a text (lower case), the shape, what stands in its place. The first is found
# fast, and most lines have none. Each part is bounded: a hostile text must not take long.
_SHAPES: Final = (
    (("slk_",), re.compile(r"slk_[0-9A-Za-z_]+"), f"slk_{HIDDEN}"),
    (("whsec_",), re.compile(r"whsec_[0-9A-Za-z+/=_-]+"), f"whsec_{HIDDEN}"),
    (("@",), re.compile(r"(://)[^/\s\"'<>]{1,500}@"), rf"\1{HIDDEN}@"),
    (("bearer",), re.compile(r"(?i)\b(bearer)[ \t]{1,8}[^\s\"',;]+"), rf"\1 {HIDDEN}"),
    (
        ("authorization", "cookie", "x-api-key"),
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)"
            r"([\"']?\s{0,4}[:=,]\s{0,4}b?[\"']?)[^\"'\r\n]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (
        ("=",),
        re.compile(rf"(?i)((?:{_SECRET_WORD})[0-9a-z_.-]{{0,20}}=)[^&\s\"'<>]+"),
        rf"\1{HIDDEN}",
    ),
)


class Redactor:
    """Takes out what looks like a secret, and `secrets` wherever they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        # The longest first: one may be a part of another.
        ordered = sorted(known, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """The text without secrets.

        Example:
            >>> Redactor(["open sesame"]).text("he said: open sesame, sig=abc")
            'he said: ***, sig=***'
        """
        if self._known:
            text = self._known.sub(HIDDEN, text)
        lowered = text.lower()
        for needles, shape, instead in _SHAPES:
            if any(needle in lowered for needle in needles):
                text = shape.sub(instead, text)
        return text

    def value(self, value: Any) -> Any:
        """The same within lists and tables; of what is neither, nor a number, its `repr`."""
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(key)): self.value(one) for key, one in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(one) for one in value]
            case _:
                return self.text(repr(value))


def _forms(secret: str) -> tuple[str, ...]:
    """How a secret may be spelled: as it is, in a URL, in what Python shows of a text."""
    return secret, quote(secret, safe=""), repr(secret)[1:-1]
