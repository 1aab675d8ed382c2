"""API keys, made, listed and revoked by whoever runs the service."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from safelight.core.errors import Invalid, Unknown
from safelight.core.keys import ALPHABET, ID_LENGTH, SECRET_LENGTH, key_text, read_key
from safelight.core.redacting import Redactor
from safelight.core.rights import check_scopes
from safelight.database import keys, link_keys
from safelight.database.connection import Database
from safelight.database.keys import Allowance, ApiKey
from safelight.gateway.linking import FRESH_FOR

_NAME: Final = 200  # characters


@dataclass(frozen=True, slots=True)
class KeyMaker:
    """All methods raise `DatabaseAway`; what they did holds everywhere when they return."""

    database: Database

    async def create(
        self,
        scopes: Sequence[str],
        *,
        name: str = "",
        good_for: float | None = None,
        allowance: Allowance | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key, good for so many seconds (None: for ever), and its text, kept nowhere.

        Raises `Invalid`: a scope, the name or a number is none.
        """
        wanted = check_scopes(scopes)
        allowance = allowance or Allowance()
        _check(name, good_for, allowance)
        while True:
            text = key_text(_random(ID_LENGTH), _random(SECRET_LENGTH))
            shown = read_key(text)
            kept = await keys.insert(self.database, shown, name, wanted, good_for, allowance)
            if kept:
                await self._until_known()
                return kept, text

    async def keys(self) -> Sequence[ApiKey]:
        """All there ever were, oldest first."""
        return await keys.keys(self.database)

    async def revoke(self, id: str) -> ApiKey:
        """Believe a key no more; twice is as good as once. Raises `Unknown`."""
        # PostgreSQL keeps no NUL, and half of a surrogate pair is no text.
        sane = id.isascii() and "\0" not in id
        gone = await keys.revoke(self.database, id) if sane else None
        if gone is None:
            # Whoever gives the whole key instead of its id need not see it again.
            raise Unknown(f"there is no key {Redactor().text(id[:64])!r}")
        await self._until_known()
        return gone

    async def rotate_links(self) -> str:
        """Sign links and sessions anew, and believe none of those given out; the new key's id."""
        id = await link_keys.rotate(self.database)
        await self._until_known()
        return id

    async def _until_known(self) -> None:
        """Until no process believes what it read before."""
        await asyncio.sleep(FRESH_FOR + 0.2)


def _check(name: str, good_for: float | None, allowance: Allowance) -> None:
    if len(name) > _NAME or not name.isprintable():
        raise Invalid(f"a name has at most {_NAME} characters on one line", pointer="/name")
    if good_for is not None and not 0 < good_for <= _LONGEST:
        raise Invalid("a key is good for more than 0 s and at most 100 years", pointer="/expires")
    for pointer, most in (
        ("/batches_per_minute", allowance.batches_per_minute),
        ("/images_per_day", allowance.images_per_day),
    ):
        if most is not None and not 0 < most < 2**31:
            raise Invalid("expected a number from 1 on", pointer=pointer)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


_LONGEST: Final = 100 * 365.25 * 86_400  # s
