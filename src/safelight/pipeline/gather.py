"""gather: that prompt → its outputs → whole? different? → one stored file.

`Follower.follow` brings one open attempt to its end, whoever opened it and however often it was
interrupted before: it asks where the prompt is, takes the picture when there is one, and closes the
attempt in one transaction with everything that follows from it. Until that commit nothing is
decided, so a kill at any line leads to the same questions being asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway
from safelight.core.retrying import (
    CACHED,
    CANCELED,
    ERROR,
    INTERRUPTED,
    LATE,
    LOST,
    OUT_OF_MEMORY,
    STORED,
    UNSENT,
    UNUSABLE,
)
from safelight.core.traceparent import place_of_batch
from safelight.database.bell import set_within
from safelight.database.images import Work, boottime
from safelight.pipeline.bringing import Bringer, Fetching
from safelight.pipeline.closing import Closer
from safelight.pipeline.dispatch import SEND_WITHIN, Graphs
from safelight.pipeline.endings import Ending, Lookout, Result, Rules, Taken
from safelight.pipeline.proving import kind_of
from safelight.pipeline.tracing import UNTRACED, Span, Traces, attempt
from safelight.renderers.base import (
    Accepted,
    Errored,
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
    Waiting,
)
from safelight.store import Store

log = structlog.get_logger()

POLL_SHARE: Final = 0.05  # of the workflow's usual time, between two looks


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
        traces: Traces = UNTRACED,
    ) -> None:
        self._renderer = renderer
        self._graphs = graphs
        self._bringer = Bringer(renderer, store, rules, decoders, keeping, traces)
        self._traces = traces
        self._closer = closer
        self._rules = rules

    async def follow(self, work: Work, lookout: Lookout, *, new: bool, usual: float) -> Result:
        """Bring an attempt to its end and close it; returns what became of it.

        Args:
            new: it was opened by this process just now and is still to be sent.
            usual: seconds renderings of this workflow take, 0 if unknown.
        """
        around, here = place_of_batch(work.batch, work.traceparent), attempt(work)
        about = {"batch": work.batch, "image": work.image, "prompt_id": work.prompt_id}
        about |= {"character": work.character, "backend": work.backend, "pool": work.plan.pool}
        with self._traces.span("image.generate", around, number=here.span, **about) as span:
            pause = max(self._renderer.look_every, POLL_SHARE * usual)
            with self._traces.span("backend.prompt", here, **about) as drawing:
                result = await self._draw(work, lookout, pause, drawing, new=new)
            span.say(outcome=result.outcome if isinstance(result, Ending) else STORED)
            await self._close(work, result)
        return result

    async def _draw(
        self, work: Work, lookout: Lookout, pause: float, drawing: Span, *, new: bool
    ) -> Result:
        prompt = await self._prompt(work)
        accepted: Accepted | None = None
        if new:
            accepted, result = await self._send(prompt, work.opened, lookout)
            if result is not None:
                return result
        return await self._watch(work, prompt, lookout, pause, accepted, drawing)

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
        drawing: Span,
    ) -> Result:
        """Ask until there is an end; "nowhere" counts at once only if the POST settled it, and
        where files are seen late only when it is said again `Rules.look_again` later."""
        clock = asyncio.get_running_loop().time
        lookout.heard = clock()
        first = accepted is not None
        settled = work.opened + self._renderer.settled_after
        if accepted is not None and accepted.settled:
            settled = 0.0
        while True:
            if first:
                first = False  # just accepted: a hint or the first pause comes before any news
                await set_within(lookout.news, pause)
            sighting, fetching = await self._look(prompt, lookout)
            lookout.saw(sighting, clock())
            match sighting:
                case Finished(outcome):
                    drawing.end()
                    result = await self._conclude(work, outcome, fetching)
                    if result:
                        return result
                case Nowhere() if lookout.taken_back or self._counts(lookout, settled):
                    return lookout.gone(one_server=self._renderer.one_server)
                case Waiting() | Running() if lookout.unwanted:
                    await self._take_back(prompt, lookout)
            given_up = await self._given_up(work, prompt, lookout, clock() - lookout.heard)
            if given_up:
                return given_up
            await set_within(lookout.news, pause)

    def _counts(self, lookout: Lookout, settled: float) -> bool:
        return boottime() >= settled and lookout.missing >= self._rules.look_again

    async def _given_up(
        self, work: Work, prompt: Prompt, lookout: Lookout, silence: float
    ) -> Ending | None:
        if lookout.abandoned:
            ending = Ending(LOST, lookout.abandoned)
        elif boottime() >= work.deadline:
            ending = Ending(LATE, "the batch's deadline passed")
        elif silence > self._rules.lost_after:
            said = f"no answer for {self._rules.lost_after:g} s"
            return Ending(LOST, said, suspicious=lookout.ran and self._renderer.one_server)
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
                return await self._bringer.take(work, outcome, fetching)
            case Interrupted():
                return Ending(INTERRUPTED, "interrupted at the backend, not by us")
            case Errored(_, node_type, exception_type, message, out_of_memory):
                kind = OUT_OF_MEMORY if out_of_memory else ERROR
                return Ending(kind, f"{node_type}: {exception_type}: {message}"[:2000])

    async def _close(self, work: Work, result: Result) -> None:
        while True:
            try:
                match result:
                    case Taken(file):
                        if await self._closer.store(work, file):
                            await self._bringer.discard(file.key)
                    case Ending(outcome, detail, suspicious):
                        await self._closer.end(work, outcome, detail, suspicious=suspicious)
                return
            except DatabaseAway as away:
                log.warning("attempt cannot be closed, waiting", reason=str(away))
                await asyncio.sleep(1)
