"""API keys: how they read, and what is kept of them.

A key reads `slk_<id>_<secret><check>`: an id of 8 characters by which people know it, a secret of
32 characters of base 62 (190 bits), and 6 characters of a CRC-32 over what stands before, so that a
key that was cut off or mistyped is told from one that was revoked, and scanners for leaked secrets
can be sure. Only the SHA-256 is kept: against 190 bits nobody guesses, so no slow hash is needed.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "slk_"
ID_LENGTH: Final = 8
SECRET_LENGTH: Final = 32
ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK_LENGTH: Final = 6
_KEY: Final = re.compile(rf"{PREFIX}([0-9A-Za-z]{{8}})_[0-9A-Za-z]{{38}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shown:
    """A key as somebody sent it: which one it says to be, and what proves it."""

    id: str
    sha256: str


def key_text(id: str, secret: str) -> str:
    """A key as it is shown once; id and secret are of `ALPHABET`.

    Example:
        >>> key_text("A" * 8, "b" * 32)
        'slk_AAAAAAAA_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2pUs5w'
    """
    body = f"{PREFIX}{id}_{secret}"
    return body + _check(body)


def read_key(text: str) -> Shown:
    """What a key says.

    Raises:
        ValueError: it is none, or a part of it is missing. The message does not repeat it.
    """
    match = _KEY.fullmatch(text)
    if not match:
        raise ValueError(f"an API key reads {PREFIX}… and has {_LENGTH} characters")
    if text[-_CHECK_LENGTH:] != _check(text[:-_CHECK_LENGTH]):
        raise ValueError("this API key was mistyped: its last characters do not fit the rest")
    return Shown(match[1], sha256_of(text))


def sha256_of(text: str) -> str:
    """What is kept of a key, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _check(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


_LENGTH: Final = len(PREFIX) + ID_LENGTH + 1 + SECRET_LENGTH + _CHECK_LENGTH
