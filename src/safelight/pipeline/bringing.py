"""Bringing a finished picture home: fetched, proved to be whole and its own, stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

import structlog

from safelight.core.naming import store_key
from safelight.core.retrying import UNUSABLE
from safelight.database.images import Work
from safelight.pictures import BadPicture, Picture, inspect
from safelight.pipeline.endings import Ending, Result, Rules
from safelight.pipeline.proving import complaint, taken
from safelight.pipeline.tracing import UNTRACED, Traces, attempt
from safelight.renderers.base import Answer, Fetched, Rendered, Renderer, Unfetched
from safelight.store import KeyTaken, Store, StoreError

log = structlog.get_logger()

Fetching: TypeAlias = "asyncio.Task[Answer]"
_TINY: Final = 128 * 1024  # bytes
_STORE_PAUSE: Final = 1.0  # s between two tries to store a picture


class Bringer:
    """Brings pictures from one backend into the store."""

    def __init__(
        self,
        renderer: Renderer,
        store: Store,
        rules: Rules,
        decoders: asyncio.Semaphore,
        keeping: Callable[[bool, str], None],
        traces: Traces = UNTRACED,
    ) -> None:
        self._renderer = renderer
        self._store = store
        self._rules = rules
        self._decoders = decoders
        self._keeping = keeping
        self._traces = traces

    async def take(self, work: Work, outcome: Rendered, fetching: Fetching | None) -> Result | None:
        """Fetch, prove and store the first picture; None: could not be fetched now, ask again."""
        coming = fetching or self._renderer.fetch(outcome.files[0], self._rules.max_file)
        match await coming:
            case Unfetched(reason, gone, too_large):
                return Ending(UNUSABLE, reason) if gone or too_large else None
            case Fetched(data):
                pass
        try:
            picture = await self._inspect(data)
        except BadPicture as bad:
            return Ending(UNUSABLE, str(bad))
        wrong = complaint(work, picture)
        if wrong:
            return Ending(UNUSABLE, wrong)
        with self._traces.span("store.put", attempt(work), image=work.image, bytes=len(data)):
            return await self._put(work, data, picture)

    async def _inspect(self, data: bytes) -> Picture:
        looking = partial(
            inspect, data, max_pixels=self._rules.max_pixels, max_bytes=self._rules.max_file
        )
        if len(data) <= _TINY:
            return looking()  # a thread would cost more than the look
        async with self._decoders:
            return await asyncio.to_thread(looking)

    async def _put(self, work: Work, data: bytes, picture: Picture) -> Result:
        key = store_key(work.user, work.character, work.index, work.prompt_id)
        while True:
            try:
                await self._store.put(key, data, same_ok=True)
                break
            except KeyTaken:
                # This attempt was stored before, from other bytes: what is stored counts.
                data = await self._store.get(key)
                picture = await self._inspect(data)
                break
            except StoreError as error:
                self._keeping(False, str(error))
                log.error("picture cannot be stored, waiting", key=key, reason=str(error))
                await asyncio.sleep(_STORE_PAUSE)
        self._keeping(True, "")
        return taken(key, picture)

    async def discard(self, key: str) -> None:
        """Delete what nobody needs from the store; if that fails, it stays and costs space."""
        try:
            await self._store.delete(key)
        except StoreError as error:
            log.info("leftover stays in the store", key=key, reason=str(error))
