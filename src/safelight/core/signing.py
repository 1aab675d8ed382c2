"""Signatures of what is sent to others, as Standard Webhooks has them (`v1`, HMAC-SHA256).

A secret reads `whsec_` and 24 to 64 bytes in base64. Signed is "{id}.{timestamp}.{body}", so that
neither can be exchanged: the receiver knows which message it is, and that it is not an old one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

KEY_BYTES: Final = 32
"""How long the keys are that we make ourselves."""
_SHORTEST: Final = 24  # bytes
_LONGEST: Final = 64
_PREFIX: Final = "whsec_"
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{4,88}={0,2}", re.ASCII)


def secret_of(key: bytes) -> str:
    """A key as people copy it.

    Example:
        >>> secret_of(bytes(24))
        'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    """
    return _PREFIX + base64.b64encode(key).decode()


def check_secret(secret: str) -> str:
    """The secret itself.

    Raises:
        ValueError: it is none. The message does not repeat it.
    """
    coded = secret.removeprefix(_PREFIX)
    try:
        fits = _BASE64.fullmatch(coded) is not None and secret.startswith(_PREFIX)
        length = len(base64.b64decode(coded, validate=True)) if fits else 0
    except binascii.Error:
        length = 0
    if not _SHORTEST <= length <= _LONGEST:
        raise ValueError(
            f"expected {_PREFIX} and {_SHORTEST} to {_LONGEST} random bytes in base64, as "
            f'`echo "{_PREFIX}$(openssl rand -base64 {KEY_BYTES})"` prints it'
        )
    return secret


def signatures(secrets: Sequence[str], id: str, timestamp: int, body: bytes) -> str:
    """What the header `webhook-signature` says: one signature a secret; `timestamp` in s."""
    signed = f"{id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets)


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
