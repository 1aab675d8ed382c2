"""Who asks: the API key that somebody shows, and the rights it gives.

While no key exists anybody is answered, as an administrator. From the first one on, revoked or not,
nobody is without one. What the database says is believed for `FRESH_FOR` seconds; whoever makes or
revokes a key waits as long, so that by the time they are told it holds everywhere.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog

from safelight.core.errors import DatabaseAway, Unauthorized
from safelight.core.keys import Shown, read_key, sha256_of
from safelight.core.rights import ADMIN, ANYBODY, OURSELVES, Rights, rights_of
from safelight.database import keys
from safelight.database.connection import Database
from safelight.database.keys import Allowance, Held
from safelight.gateway.linking import FRESH_FOR, Links
from safelight.gateway.wrong_keys import WrongKeys

SESSION_FOR: Final = 7 * 86_400
"""Seconds after which whoever signed in shows their key again."""
_MOST: Final = 10_000  # keys remembered

log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Seen:
    held: Held | None
    at: float  # loop time


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as they are told themselves."""

    key: str | None  # the id of their key; None: no key is needed
    name: str
    scopes: tuple[str, ...]
    admin: bool
    keys: bool  # whether there are any: whether signing in means anything
    users: tuple[str, ...] | None  # whose series they reach, by id; None: everybody's
    characters: tuple[str, ...] | None  # likewise


class Keyring:
    """The keys there are."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guarded = False
        self._looked = float("-inf")
        self._asking: dict[str, tuple[float, asyncio.Task[Any]]] = {}
        self._seen: dict[str, _Seen] = {}
        self.own: Final = secrets.token_urlsafe(32)
        """What this process shows to itself; it is told to nobody."""
        self._own = sha256_of(self.own)
        self.links: Final = Links(database)
        """What opens one thing without a key."""
        self._wrong = WrongKeys()

    async def guarded(self) -> bool:
        """Whether a key is needed. Raises `DatabaseAway`."""
        now = asyncio.get_running_loop().time()
        if not self._guarded and now - self._looked > FRESH_FOR:
            guarded, looked = await self._once("", self._look)
            self._guarded |= guarded  # for good: an answer that came late changes nothing
            self._looked = max(self._looked, looked)
        return self._guarded

    async def _look(self) -> tuple[bool, float]:
        now = asyncio.get_running_loop().time()
        return await keys.exist(self._database), now

    async def rights(self, text: str | None, address: str = "") -> Rights:
        """What whoever shows this key may see and do; None: they show none.

        Raises:
            Unauthorized: a key is needed, and this is none that is believed.
            TooMany: likewise, and many such came from this address lately.
            DatabaseAway: nobody can tell.
        """
        if not await self.guarded():
            return ANYBODY
        if text is None:
            raise Unauthorized("send an API key, as `Authorization: Bearer slk_…`")
        if hmac.compare_digest(sha256_of(text), self._own):
            return OURSELVES
        try:
            shown = _read(text)
            return await self.rights_of_id(shown.id, shown)
        except Unauthorized:
            self._wrong.note(address)
            raise

    async def rights_of_session(self, cookie: str) -> Rights:
        """What whoever has signed in may see and do. Raises like `rights`."""
        if not await self.guarded():
            return ANYBODY
        id = await self.links.session_key(cookie)
        if id is None:
            raise Unauthorized("this session is over; sign in again")
        return await self.rights_of_id(id)

    async def sign_in(self, text: str, address: str) -> tuple[Rights, str | None]:
        """The rights of whoever shows this key, and a session's cookie that stands for it.

        None: no key is needed. Raises like `rights`.
        """
        rights = await self.rights(text, address)
        if rights.key is None:
            return rights, None
        return rights, await self.links.session(rights.key, int(time.time()) + SESSION_FOR)

    async def still(self, rights: Rights, session: str | None = None) -> None:
        """Whether who had these rights a while ago, perhaps by a session, has them. Raises like
        `rights`."""
        if rights.key is None:
            if rights is ANYBODY and await self.guarded():
                raise Unauthorized("from now on an API key is needed")
        elif session is not None:
            await self.rights_of_session(session)
        else:
            await self.rights_of_id(rights.key)

    async def asker(self, rights: Rights) -> Asker:
        """Who has these rights. Raises like `rights`."""
        held = await self._held(rights.key) if rights.key is not None else None
        keys, reached = await self.guarded(), (_ids(rights.users), _ids(rights.characters))
        if held is None:
            return Asker(None, "", (ADMIN,), True, keys, *reached)
        return Asker(rights.key, held.name, held.scopes, rights.admin, keys, *reached)

    async def rights_of_id(self, id: str, shown: Shown | None = None) -> Rights:
        """The rights of the key with this id, if it is still believed; `shown` proves it where it
        was not proven before. Raises like `rights`."""
        held = await self._held(id)
        if held is None or (shown and not hmac.compare_digest(held.sha256, shown.sha256)):
            raise Unauthorized("this API key is not known here")
        if held.ended:
            raise Unauthorized(f"this API key has {_ENDED[held.ended]}")
        return rights_of(id, held.scopes, limited=held.allowance != Allowance())

    async def _held(self, id: str) -> Held | None:
        now = asyncio.get_running_loop().time()
        seen = self._seen.get(id)
        if seen is None or now - seen.at > FRESH_FOR:
            seen = await self._once(id, lambda: self._look_up(id))
        return seen.held

    async def _look_up(self, id: str) -> _Seen:
        now = asyncio.get_running_loop().time()
        seen = _Seen(await keys.held(self._database, id), now)
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[id] = seen
        if seen.held and seen.held.unnoted and not seen.held.ended:
            await self._note(id)
        return seen

    async def _once(self, what: str, ask: Callable[[], Coroutine[None, None, T]]) -> T:
        """Many who want to know the same at the same time ask once."""
        now = asyncio.get_running_loop().time()
        began, task = self._asking.get(what, (now, None))
        if task is None or task.done() or now - began > FRESH_FOR:
            task = asyncio.create_task(ask())
            self._asking[what] = now, task
            task.add_done_callback(lambda _: self._asking.pop(what, None))
        answer: T = await asyncio.shield(task)
        return answer

    async def _note(self, id: str) -> None:
        try:
            await keys.note_use(self._database, id)
        except DatabaseAway as away:
            log.info("use of a key not noted", key=id, reason=str(away))


_ENDED: Final = {"revoked": "been revoked", "expired": "expired"}


def _ids(reached: frozenset[str] | None) -> tuple[str, ...] | None:
    return None if reached is None else tuple(sorted(reached))


def _read(text: str) -> Shown:
    try:
        return read_key(text)
    except ValueError as error:
        raise Unauthorized(str(error)) from None
