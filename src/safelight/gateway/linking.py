"""Links and sessions that whoever has them may use until a moment: signed here, and believed here.

The keys that sign lie in the database, for every process the same. What it says is believed for
`FRESH_FOR` seconds; a key nobody here has heard of is looked for once more, since another process
may have begun to sign with it a moment ago.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from safelight.core.errors import SignatureExpired, SignatureInvalid
from safelight.core.linking import (
    Pairs,
    SignedLink,
    SigningKey,
    read_link,
    read_session,
    sign_link,
    sign_session,
)
from safelight.database import link_keys
from safelight.database.connection import Database

FRESH_FOR: Final = 1.0  # s
_LOOK_AGAIN: Final = 0.1  # s; strangers make up ids of keys as fast as they like


class Links:
    """Signs and believes. All methods raise `DatabaseAway`: then nobody can tell."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys: dict[str, SigningKey] = {}  # the first one signs
        self._looked = float("-inf")  # loop time
        self._looking = asyncio.Lock()

    async def query(self, path: str, params: Mapping[str, str], expires: int) -> str:
        """The query of a link to `path` that is good until then (Unix s)."""
        return urlencode(sign_link(await self._signing(), path, params, expires))

    async def check(self, path: str, pairs: Pairs) -> None:
        """Whether a link of ours leads to this path with these query parameters, still.

        Raises `SignatureInvalid`, `SignatureExpired`.
        """
        try:
            link = read_link(path, pairs)
        except ValueError as error:
            raise SignatureInvalid(f"this link is not signed here: {error}") from None
        if not await self._believed(link):
            raise SignatureInvalid("this link was not signed here, or its key is not believed")
        if link.expires <= time.time():
            raise SignatureExpired("this link was good for a time, and that is over")

    async def session(self, api_key: str, expires: int) -> str:
        """A session's cookie for whoever has shown this API key, good until then (Unix s)."""
        return sign_session(await self._signing(), api_key, expires)

    async def session_key(self, cookie: str) -> str | None:
        """The id of the API key that a session stands for; None: it is over, or none of ours."""
        try:
            session = read_session(cookie)
        except ValueError:
            return None
        if not await self._believed(session.link) or session.link.expires <= time.time():
            return None
        return session.api_key

    async def _signing(self) -> SigningKey:
        await self._look(asyncio.get_running_loop().time() - FRESH_FOR)
        return next(iter(self._keys.values()))

    async def _believed(self, link: SignedLink) -> bool:
        now = asyncio.get_running_loop().time()
        await self._look(now - FRESH_FOR)
        if link.key not in self._keys:
            await self._look(now)
        key = self._keys.get(link.key)
        return key is not None and link.fits(key)

    async def _look(self, since: float) -> None:
        """Read the keys unless that was done since then: at most ten times a second."""
        if self._looked >= since:
            return
        async with self._looking:
            if self._looked >= since:
                return
            clock = asyncio.get_running_loop().time
            await asyncio.sleep(max(0.0, self._looked + _LOOK_AGAIN - clock()))
            began = clock()
            keys = await link_keys.believed(self._database)
            self._keys, self._looked = {key.id: key for key in keys}, began
