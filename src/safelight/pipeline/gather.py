"""gather: that prompt → its outputs → whole? different? → one stored file.

`Follower.follow` brings one open attempt to its end, whoever opened it and however often it was
interrupted before: it asks where the prompt is, takes the picture when there is one, and closes the
attempt in one transaction with everything that follows from it. Until that commit nothing is
decided, so a kill at any line leads to the same questions being asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

import structlog

from safelight.core.errors import DatabaseAway
from safelight.core.naming import store_key
from safelight.core.retrying import (
    CACHED,
    CANCELED,
    ERROR,
    INTERRUPTED,
    LATE,
    LOST,
    OUT_OF_MEMORY,
    UNSENT,
    UNUSABLE,
)
from safelight.database.bell import set_within
from safelight.database.images import Work, boottime
from safelight.pictures import BadPicture, Picture, inspect
from safelight.pipeline.closing import Closer
from safelight.pipeline.dispatch import SEND_WITHIN, Graphs
from safelight.pipeline.endings import Ending, Lookout, Result, Rules, Taken
from safelight.pipeline.proving import complaint, kind_of, taken
from safelight.renderers.base import (
    Accepted,
    Answer,
    Errored,
    Fetched,
    Finished,
    InDoubt,
    Interrupted,
    Nowhere,
    Outcome,
    Prompt,
    Refused,
    Rendered,
    Renderer,
    Running,
    Sighting,
    Silent,
    Unfetched,
    Waiting,
)
from safelight.store import KeyTaken, Store, StoreError

log = structlog.get_logger()

POLL_SHARE: Final = 0.05  # of the workflow's usual time, between two looks
_TINY: Final = 128 * 1024  # bytes
Fetching: TypeAlias = "asyncio.Task[Answer]"
_STORE_PAUSE: Final = 1.0  # s between two tries to store a picture


class Follower:
    """Follows attempts on one backend.

    `decoders` is shared by all: a decoded picture is many times its file.

    `keeping(False, reason)` is called when pictures cannot be stored, so that pulling stops, and
    `keeping(True, "")` when they can again.
    """

    def __init__(
        self,
        renderer: Renderer,
        graphs: Graphs,
        store: Store,
        closer: Closer,
        rules: Rules,
        decoders: asyncio.Semaphore,
        keeping: Callable[[bool, str], None],
    ) -> None:
        self._renderer = renderer
        self._graphs = graphs
        self._store = store
        self._closer = closer
        self._rules = rules
        self._decoders = decoders
        self._keeping = keeping

    async def follow(self, work: Work, lookout: Lookout, *, new: bool, usual: float) -> Result:
        """Bring an attempt to its end and close it; returns what became of it.

        Args:
            new: it was opened by this process just now and is still to be sent.
            usual: seconds renderings of this workflow take, 0 if unknown.
        """
        prompt = await self._prompt(work)
        accepted: Accepted | None = None
        result: Result | None = None
        if new:
            accepted, result = await self._send(prompt, work.opened, lookout)
        if result is None:
            pause = max(self._renderer.look_every, POLL_SHARE * usual)
            result = await self._watch(work, prompt, lookout, pause, accepted)
        await self._close(work, result)
        return result

    async def give_up(self, work: Work, outcome: str, detail: str) -> Result:
        """Close an attempt without having asked for it any further."""
        ending = Ending(outcome, detail)
        await self._close(work, ending)
        return ending

    async def _prompt(self, work: Work) -> Prompt:
        while True:
            try:
                return await self._graphs.prompt(work)
            except DatabaseAway:
                await asyncio.sleep(1)

    async def _send(
        self, prompt: Prompt, opened: float, lookout: Lookout
    ) -> tuple[Accepted | None, Result | None]:
        if lookout.unwanted:
            return None, Ending(CANCELED, "somebody asked before it was sent")
        if boottime() - opened > SEND_WITHIN:
            return None, Ending(UNSENT, "the worker was too slow to send it in time")
        match await self._renderer.submit(prompt):
            case Accepted() as accepted:
                return accepted, None
            case Refused(reason, detail, running) as refused:
                if running:
                    await self._renderer.cancel(prompt.prompt_id)
                return None, Ending(kind_of(refused), f"{reason}: {detail}")
            case InDoubt(reason, sent):
                if not sent:
                    return None, Ending(UNSENT, reason)
                log.info("post in doubt", prompt_id=prompt.prompt_id, reason=reason)
                return None, None

    async def _watch(
        self,
        work: Work,
        prompt: Prompt,
        lookout: Lookout,
        pause: float,
        accepted: Accepted | None,
    ) -> Result:
        """Ask until there is an end; "nowhere" counts at once only if the POST settled it."""
        clock = asyncio.get_running_loop().time
        heard = clock()
        first = accepted is not None
        settled = work.opened + self._renderer.settled_after
        if accepted is not None and accepted.settled:
            settled = 0.0
        while True:
            if first:
                first = False  # just accepted: a hint or the first pause comes before any news
                await set_within(lookout.news, pause)
            sighting, fetching = await self._look(prompt, lookout)
            if not isinstance(sighting, Silent):
                heard = clock()
            match sighting:
                case Finished(outcome):
                    result = await self._conclude(work, outcome, fetching)
                    if result:
                        return result
                case Nowhere() if lookout.taken_back or boottime() >= settled:
                    return lookout.gone()
                case Waiting() | Running() if lookout.unwanted:
                    await self._take_back(prompt, lookout)
            given_up = await self._given_up(work, prompt, lookout, clock() - heard)
            if given_up:
                return given_up
            await set_within(lookout.news, pause)

    async def _given_up(
        self, work: Work, prompt: Prompt, lookout: Lookout, silence: float
    ) -> Ending | None:
        if lookout.abandoned:
            ending = Ending(LOST, lookout.abandoned)
        elif boottime() >= work.deadline:
            ending = Ending(LATE, "the batch's deadline passed")
        elif silence > self._rules.lost_after:
            return Ending(LOST, f"no answer for {self._rules.lost_after:g} s")
        else:
            return None
        await self._renderer.cancel(prompt.prompt_id)
        return ending

    async def _take_back(self, prompt: Prompt, lookout: Lookout) -> None:
        lookout.taken_back = True  # it had arrived: once gone, it does not come again
        if await self._renderer.cancel(prompt.prompt_id):
            lookout.tell()  # look at once where it went: a whole picture is kept

    async def _look(self, prompt: Prompt, lookout: Lookout) -> tuple[Sighting, Fetching | None]:
        """Where it is; when the backend said that it ended, its picture is fetched meanwhile."""
        lookout.news.clear()
        ended, lookout.ended = lookout.ended, False
        if not ended or prompt.expected is None:
            return await self._renderer.look(prompt, ended=ended), None
        fetch = self._renderer.fetch(prompt.expected, self._rules.max_file)
        fetching = asyncio.create_task(fetch, name=f"fetch {prompt.prompt_id}")
        try:
            sighting = await self._renderer.look(prompt, ended=True)
        except asyncio.CancelledError:
            fetching.cancel()
            raise
        match sighting:
            case Finished(Rendered((first, *_), cached=False)) if first == prompt.expected:
                return sighting, fetching
        fetching.cancel()
        return sighting, None

    async def _conclude(
        self, work: Work, outcome: Outcome, fetching: Fetching | None
    ) -> Result | None:
        match outcome:
            case Rendered(_, cached=True):
                return Ending(CACHED, "the backend answered with an earlier picture's file")
            case Rendered(files=()):
                return Ending(UNUSABLE, "the workflow ended without a picture")
            case Rendered():
                return await self._take(work, outcome, fetching)
            case Interrupted():
                return Ending(INTERRUPTED, "interrupted at the backend, not by us")
            case Errored(_, node_type, exception_type, message, out_of_memory):
                kind = OUT_OF_MEMORY if out_of_memory else ERROR
                return Ending(kind, f"{node_type}: {exception_type}: {message}"[:2000])

    async def _take(
        self, work: Work, outcome: Rendered, fetching: Fetching | None
    ) -> Result | None:
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

    async def _close(self, work: Work, result: Result) -> None:
        while True:
            try:
                match result:
                    case Taken(file):
                        if await self._closer.store(work, file):
                            await self._discard(file.key)
                    case Ending(outcome, detail):
                        await self._closer.end(work, outcome, detail)
                return
            except DatabaseAway as away:
                log.warning("attempt cannot be closed, waiting", reason=str(away))
                await asyncio.sleep(1)

    async def _discard(self, key: str) -> None:
        try:
            await self._store.delete(key)
        except StoreError as error:
            log.info("leftover stays in the store", key=key, reason=str(error))
