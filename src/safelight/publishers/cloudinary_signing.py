"""Cloudinary's signatures and forms. Pure: no I/O, no clock.

signature = sign({"public_id": "sample_image", "timestamp": "1315060510"}, secret)
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from hashlib import sha1, sha256
from typing import TypeAlias

Value: TypeAlias = str | Sequence[str]

_UNSIGNED = frozenset({"file", "cloud_name", "resource_type", "api_key", "signature"})


def sign(params: Mapping[str, Value], secret: str) -> str:
    """The signature of a request with these parameters, SHA-1 in hex.

    Empty ones are not sent and so not signed; a `&` in a value cannot pass for the next parameter.

    Example:
        >>> sign({"public_id": "sample_image", "timestamp": "1315060510"}, "abcd")
        'b4ad47fb4e25c7bf5f92a20089f9db59bc302313'
    """
    pairs = [
        f"{name}={_joined(value)}".replace("&", "%26")
        for name, value in params.items()
        if value and name not in _UNSIGNED
    ]
    return _hash("&".join(sorted(pairs)) + secret, 40)


def is_signed(public_id: str, version: int, signature: str, secret: str) -> bool:
    """Whether an answer about this asset comes from somebody who knows the secret."""
    expected = _hash(f"public_id={public_id}&version={version}{secret}", len(signature))
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


def context(pairs: Mapping[str, str]) -> str:
    r"""Contextual metadata as one parameter; `=` and `|` in values are escaped.

    Example:
        >>> print(context({"user": "a=b", "seed": "5"}))
        user=a\=b|seed=5
    """
    escaped = {key: re.sub("([=|])", r"\\\g<1>", value) for key, value in pairs.items()}
    return "|".join(f"{key}={value}" for key, value in escaped.items())


def form(
    params: Mapping[str, Value], name: str, content_type: str, boundary: str
) -> tuple[bytes, bytes]:
    """What goes before and after the file's bytes in a multipart body; empty ones are left out.

    Names and values hold no line ends and no quotes: they are parameters of ours.
    """
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{_joined(value)}\r\n'
        for key, value in params.items()
        if value
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    )
    return "".join(parts).encode(), f"\r\n--{boundary}--\r\n".encode()


def _joined(value: Value) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _hash(text: str, length: int) -> str:
    """In hex: accounts can be set to SHA-256, which is told by the length."""
    data = text.encode()
    return (
        sha256(data).hexdigest() if length == 64 else sha1(data, usedforsecurity=False).hexdigest()
    )
