"""Signed links: whoever has one may look at one thing until a moment, without a key.

Signed is the method, which is always GET, the path, every query parameter but the signature itself,
in sorted order, and with them the expiry and the id of the signing key: `exp`, `kid`, `sig`. The
host is not signed: a proxy may give the server another name.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

KEY_BYTES: Final = 32
"""How long the keys are that sign."""
EXPIRY: Final = "exp"
KEY: Final = "kid"
SIGNATURE: Final = "sig"
OURS: Final = frozenset({EXPIRY, KEY, SIGNATURE})
"""What signing adds to a query, and checking takes away again."""
_LINK: Final = "link"
_SESSION: Final = "session"
_NUMBER: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
Pairs: TypeAlias = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What links and sessions are signed with."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A link as somebody sent it, not believed yet."""

    key: str  # the id of the key that is said to have signed it
    expires: int  # Unix s
    signed: bytes
    signature: str

    def fits(self, key: SigningKey) -> bool:
        """Whether this key has signed exactly this; takes as long for every answer."""
        return hmac.compare_digest(_signature(key, self.signed), self.signature.encode())


def sign_link(key: SigningKey, path: str, params: Mapping[str, str], expires: int) -> Pairs:
    """The query parameters of a link to `path` that is good until then (Unix s)."""
    pairs = [*params.items(), (EXPIRY, str(expires)), (KEY, key.id)]
    return [*pairs, (SIGNATURE, _signature(key, _link(path, pairs)).decode())]


def read_link(path: str, pairs: Pairs) -> SignedLink:
    """What the query of a signed link says.

    Raises:
        ValueError: a part of the signature is missing, doubled or no such part.
    """
    expires, key, signature = (_only(pairs, name) for name in (EXPIRY, KEY, SIGNATURE))
    if not _NUMBER.fullmatch(expires):
        raise ValueError(f"{EXPIRY} is no moment")
    rest = [pair for pair in pairs if pair[0] != SIGNATURE]
    return SignedLink(key, int(expires), _link(path, rest), signature)


def unsigned(pairs: Pairs) -> Pairs:
    """The query without what signing added to it."""
    return [pair for pair in pairs if pair[0] not in OURS]


def sign_session(key: SigningKey, api_key: str, expires: int) -> str:
    """A cookie for whoever has shown this API key, good until then (Unix s).

    It names the key and does not hold it: whoever finds the cookie cannot learn the key from it.
    """
    text = f"{api_key}.{expires}.{key.id}"
    return f"{text}.{_signature(key, _signed(_SESSION, text)).decode()}"


@dataclass(frozen=True, slots=True)
class SignedSession:
    """A session as somebody sent it, not believed yet."""

    api_key: str
    link: SignedLink


def read_session(cookie: str) -> SignedSession:
    """What a session's cookie says.

    Raises:
        ValueError: it is none.
    """
    parts = cookie.split(".")
    if len(parts) != 4 or not _NUMBER.fullmatch(parts[1]):
        raise ValueError("this is no session")
    api_key, expires, key, signature = parts
    signed = _signed(_SESSION, f"{api_key}.{expires}.{key}")
    return SignedSession(api_key, SignedLink(key, int(expires), signed, signature))


def _only(pairs: Pairs, name: str) -> str:
    found = [value for known, value in pairs if known == name]
    if len(found) != 1:
        raise ValueError(f"a signed link has {name} once")
    return found[0]


def _link(path: str, pairs: Iterable[tuple[str, str]]) -> bytes:
    return _signed(_LINK, "GET", path, sorted(pairs))


def _signed(*parts: object) -> bytes:
    """What is signed, so written that no two things read alike."""
    return json.dumps(parts).encode()


def _signature(key: SigningKey, signed: bytes) -> bytes:
    digest = hmac.digest(key.secret, signed, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=")
