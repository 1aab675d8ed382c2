"""Who asks: the API key that somebody shows, and the rights it gives.

While no key exists anybody is answered, as an administrator. From the first one on, revoked or not,
nobody is without one. What the database says is believed for `FRESH_FOR` seconds; whoever makes or
revokes a key waits as long, so that by the time they are told it holds everywhere.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog

from safelight.core.errors import DatabaseAway, Unauthorized
from safelight.core.keys import Shown, read_key, sha256_of
from safelight.core.rights import ANYBODY, Rights, rights_of
from safelight.database import keys
from safelight.database.connection import Database
from safelight.database.keys import Held

FRESH_FOR: Final = 1.0  # s
_MOST: Final = 10_000  # keys remembered

log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Seen:
    held: Held | None
    at: float  # loop time


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

    async def rights(self, text: str | None) -> Rights:
        """What whoever shows this key may see and do; None: they show none.

        Raises:
            Unauthorized: a key is needed, and this is none that is believed.
            DatabaseAway: nobody can tell.
        """
        if not await self.guarded():
            return ANYBODY
        if text is None:
            raise Unauthorized("send an API key, as `Authorization: Bearer slk_…`")
        if hmac.compare_digest(sha256_of(text), self._own):
            return ANYBODY
        shown = _read(text)
        return await self.rights_of_id(shown.id, shown)

    async def rights_of_id(self, id: str, shown: Shown | None = None) -> Rights:
        """The rights of the key with this id, if it is still believed; `shown` proves it where it
        was not proven before. Raises like `rights`."""
        held = await self._held(id)
        if held is None or (shown and not hmac.compare_digest(held.sha256, shown.sha256)):
            raise Unauthorized("this API key is not known here")
        if held.ended:
            raise Unauthorized(f"this API key has {_ENDED[held.ended]}")
        return rights_of(id, held.scopes)

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


def _read(text: str) -> Shown:
    try:
        return read_key(text)
    except ValueError as error:
        raise Unauthorized(str(error)) from None
