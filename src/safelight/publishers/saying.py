"""What is repeated of a far side's words, and how long it wants to be left alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from safelight.core.delivering import until_date
from safelight.publishers.base import Found, Refused

REDACTED: Final = "***"
PAUSE: Final = 5.0  # s, where somebody asks for a pause and does not say how long
LONGEST_PAUSE: Final = 900.0  # s, whatever is asked for
_LONGEST_WORDS: Final = 400  # characters


def words(text: str, secrets: Sequence[str]) -> str:
    """The text on one line, cut, and without any of these secrets in it.

    Example:
        >>> words("String to sign - 'a=1'.\\nSecret abcd", ["abcd"])
        "String to sign - 'a=1'. Secret ***"
    """
    for secret in secrets:
        for spelling in filter(None, {secret, quote(secret), quote(secret, safe="")}):
            text = text.replace(spelling, REDACTED)
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= _LONGEST_WORDS else f"{line[:_LONGEST_WORDS]}…"


def told(found: Found) -> str:
    """What lies somewhere, for people.

    Example:
        >>> told(Found(3, md5="900150983cd24fb0d6963f7d28e17f72"))
        '3 bytes, MD5 900150983cd24fb0d6963f7d28e17f72'
    """
    kind = f"SHA-256 {found.sha256}" if found.sha256 else f"MD5 {found.md5}"
    return f"{found.size} bytes, {kind}"


def another(found: Found) -> Refused:
    """Something else lies at the place of a copy."""
    return Refused(f"another picture lies there ({told(found)}); it was not touched")


def pause(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from `now` (Unix time) in which nothing should be sent; None where nobody says.

    Example:
        >>> pause({"Retry-After": "30"}, 0.0), pause({"Retry-After": "soon"}, 0.0)
        (30.0, None)
    """
    for name in ("Retry-After", "X-FeatureRateLimit-Reset"):
        if (seconds := _seconds(headers.get(name, ""), now)) is not None:
            return min(max(seconds, 0.5), LONGEST_PAUSE)
    return None


def _seconds(value: str, now: float) -> float | None:
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        return float(value)
    return until_date(value, now)
