"""Rights: what a key may see and do.

Scopes are words: `admin`, `user:ID`, `character:ID`, with `*` for every id. A key reaches a series,
and with it batches, images, events and copies, when it reaches both its user and its character. A
dimension that no scope names is open: `user:areg` alone reaches every character of that user. All
else, the service's own settings and workings, is an administrator's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from safelight.core.errors import Forbidden, Invalid
from safelight.core.naming import ID_PATTERN, USER_PATTERN

ADMIN: Final = "admin"
_ANY: Final = "*"
_PATTERNS: Final = {"user": USER_PATTERN, "character": ID_PATTERN}


@dataclass(frozen=True, slots=True)
class Rights:
    """What whoever asks may see and do."""

    key: str | None = None  # the id of their key; None: anybody, as long as there are no keys
    admin: bool = False
    users: frozenset[str] | None = None  # None: all
    characters: frozenset[str] | None = None  # None: all
    limited: bool = False  # their key has quotas of its own

    @property
    def everything(self) -> bool:
        """Whether every series is theirs to see."""
        return self.users is None and self.characters is None

    def reaches(self, user: str, character: str) -> bool:
        """Whether the series of this character for this user is theirs to see."""
        return self.reaches_user(user) and self.reaches_character(character)

    def reaches_user(self, user: str) -> bool:
        """Whether any series of this user may be theirs."""
        return self.users is None or user in self.users

    def reaches_character(self, character: str) -> bool:
        """Whether any series of this character may be theirs."""
        return self.characters is None or character in self.characters

    def need_admin(self) -> None:
        """Raises `Forbidden`."""
        if not self.admin:
            raise Forbidden("this needs a key with the scope admin")


ANYBODY: Final = Rights(admin=True)
"""Whoever asks while there are no keys."""
OURSELVES: Final = Rights(admin=True)
"""A command that runs the server within itself."""
LINKED: Final = Rights()
"""Whoever has a signed link: it says itself what may be looked at."""
NOBODY: Final = Rights(users=frozenset(), characters=frozenset())
"""Whoever asks for what is open to all."""


def check_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """The scopes, each once, in order.

    Raises:
        Invalid: none, or one that is no scope.

    Example:
        >>> check_scopes(["user:areg", "character:*"])
        ('user:areg', 'character:*')
    """
    if not scopes:
        raise Invalid(f"a key needs a scope: {_ADVICE}", pointer="/scopes", code="bad-scope")
    for scope in scopes:
        kind, _, id = scope.partition(":")
        known = kind in _PATTERNS and (id == _ANY or re.fullmatch(_PATTERNS[kind], id))
        if scope != ADMIN and not known:
            detail = f"{scope[:100]!r} is no scope: {_ADVICE}"
            raise Invalid(detail, pointer="/scopes", code="bad-scope")
    return tuple(dict.fromkeys(scopes))


def rights_of(key: str, scopes: Iterable[str], *, limited: bool = False) -> Rights:
    """The rights of a key with these scopes; `limited` if it has quotas of its own.

    Example:
        >>> rights_of("k", ["user:areg"]).reaches("areg", "mira")
        True
    """
    named: dict[str, set[str]] = {kind: set() for kind in _PATTERNS}
    for scope in scopes:
        if scope == ADMIN:
            return Rights(key, admin=True, limited=limited)
        kind, _, id = scope.partition(":")
        named[kind].add(id)
    users, characters = _open(named["user"]), _open(named["character"])
    return Rights(key, users=users, characters=characters, limited=limited)


def _open(ids: set[str]) -> frozenset[str] | None:
    return frozenset(ids) if ids and _ANY not in ids else None


_ADVICE: Final = "admin, user:ID, user:*, character:ID or character:*"
