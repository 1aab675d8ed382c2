"""Lanes: the backends this worker drives, what it believes of them, and who takes which image.

A lane is the lease's epoch, a renderer, and the followers of its open attempts. All it remembers
is a copy of rows, rebuilt when the lease is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator

import structlog

from safelight.core.records import Plan
from safelight.core.retrying import BROKEN, DIED, LOST, SHUT_OUT, UNSENT
from safelight.database.arrows import Driver
from safelight.database.images import Locked, Work, boottime
from safelight.database.stopping import stop
from safelight.pipeline.closing import wants_memory
from safelight.pipeline.endings import Ending, Lookout, Taken
from safelight.pipeline.gather import Follower
from safelight.pipeline.tracing import log_about
from safelight.renderers.base import Renderer
from safelight.renderers.health import READY, Health

log = structlog.get_logger()

_LATELY = 10.0  # s
_DISTRUST = (LOST, DIED, SHUT_OUT, UNSENT)  # what makes a backend be asked how it is


class Lane:
    """One backend."""

    def __init__(
        self,
        name: str,
        pool: str,
        slots: int,
        renderer: Renderer,
        freed: Callable[[], None],
        zombie_after: float,
        models: Callable[[Plan], frozenset[str]],
        *,
        address: str,
        host: str,
    ) -> None:
        self.name = name
        self.address = address  # which server it is, in one spelling
        self.host = host  # whose loopback, if it is one
        self.pool = pool
        self.slots = slots
        self.renderer = renderer
        self.follower: Follower | None = None  # set once by whoever assembles the worker
        self.epoch: int | None = None  # of our lease; None: not ours
        self.health = Health(zombie_after)
        self.keeping = True  # pictures can be stored
        self.draining = False  # an operator lets it take nothing more
        self.looked_back = False  # what was given up there has been asked for
        self.open: dict[str, Work] = {}
        self.newest: tuple[Work, float] | None = None  # a picture of it, stored at this loop time
        self.doubt = asyncio.Event()  # set: probe now
        self._freed = freed
        self._models = models
        self._last: Plan | None = None  # of what was sent last: its models will be loaded
        self._ended: set[str] = set()  # open, but over at the backend
        self._lookouts: dict[str, Lookout] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._usual: dict[str, float] = {}  # graph -> seconds a rendering takes here

    @property
    def takes_work(self) -> bool:
        """Leased, ready, not draining, able to keep pictures, with a free slot."""
        return (
            self.epoch is not None
            and self.health.state == READY
            and self.looked_back
            and self.keeping
            and not self.draining
            and self.free_slot() is not None
        )

    def free_slot(self) -> int | None:
        """The lowest slot no open attempt is in, None if none is free.

        A prompt the backend has ended holds no slot of the backend's while its picture is brought
        home; but no more than as many again as there are slots, should the store be slow.
        """
        if len(self.open) - len(self._ended) >= self.slots:
            return None
        taken = {work.slot for work in self.open.values()}
        return next((slot for slot in range(2 * self.slots) if slot not in taken), None)

    @property
    def loaded(self) -> frozenset[str]:
        """The models we believe the backend to have in memory when it comes to the next prompt."""
        return self._models(self._last) if self._last else frozenset()

    def sent(self, plan: Plan) -> None:
        """An image of this plan is its next prompt."""
        self._last = plan

    def forget_models(self) -> None:
        """Nothing is believed to be loaded any more."""
        self._last = None

    def change(self, plan: Plan) -> tuple[int, int]:
        """How many models an image of this plan would make it load, and how many it now holds
        would be in the way of them."""
        needed, loaded = self._models(plan), self.loaded
        return len(needed - loaded), len(loaded - needed)

    def follow(self, work: Work, *, new: bool) -> None:
        """Bring an attempt to its end, in a task of its own."""
        if work.prompt_id in self._tasks:
            return
        self.sent(work.plan)
        self.open[work.prompt_id] = work
        self._lookouts[work.prompt_id] = Lookout()
        self._tasks[work.prompt_id] = asyncio.create_task(
            self._follow(work, new), name=f"follow {work.prompt_id}"
        )

    async def _follow(self, work: Work, new: bool) -> None:
        assert self.follower is not None
        about = {"batch_id": work.batch, "image_id": work.image, "backend": self.name}
        log_about(work.traceparent, **about)
        clock = asyncio.get_running_loop().time
        began = clock()
        lookout = self._lookouts[work.prompt_id]
        usual = self._usual.get(work.plan.graph, 0.0)
        try:
            try:
                result = await self.follower.follow(work, lookout, new=new, usual=usual)
            except Exception as error:
                log.exception("following an attempt broke", prompt_id=work.prompt_id)
                result = await self.follower.give_up(work, BROKEN, repr(error)[:500])
            if isinstance(result, Ending) and result.outcome in _DISTRUST:
                self._distrust(result)
        finally:
            for kept in (self.open, self._lookouts, self._tasks):
                kept.pop(work.prompt_id, None)
            self._ended.discard(work.prompt_id)
            self._freed()
        match result:
            case Taken():
                self.health.well()
                self._learn(work.plan.graph, clock() - began)
                self.newest = self.newest or (work, clock())
            case Ending(outcome):
                self.forget_models()
                if wants_memory(outcome):
                    await self.renderer.free()

    def _distrust(self, ending: Ending) -> None:
        if ending.outcome in (LOST, DIED):
            self.health.doubted(ending.detail)
        else:
            self.health.let_down(ending.detail, asyncio.get_running_loop().time())
        self.doubt.set()

    def _learn(self, graph: str, seconds: float) -> None:
        known = self._usual.get(graph, seconds)
        self._usual[graph] = 0.8 * known + 0.2 * seconds

    def know_twin(self, twin: str | None) -> None:
        """This server is driven under another name (None: it is not): one of both must rest."""
        if twin != self.health.twin:
            log.warning("twin" if twin else "no twin any more", backend=self.name, twin=twin)
            self.health.same_as(twin)
            self.doubt.set()

    def note_keeping(self, can: bool, reason: str) -> None:
        """Whether pictures can be stored: while they cannot, nothing is pulled."""
        if can != self.keeping:
            log.warning("pulling goes on" if can else "pulling stops", reason=reason)
            self.keeping = can
            self._freed()

    def note_draining(self, draining: bool) -> None:
        """Whether an operator lets it take nothing more."""
        if draining != self.draining:
            log.info("draining" if draining else "taking images again", backend=self.name)
            self.draining = draining
            self.health.looked_after()  # by whoever lets it work again
            self._freed()

    def tell(self, prompt_id: str) -> None:
        """A hint: this prompt ended."""
        self.health.alive(asyncio.get_running_loop().time())
        if prompt_id in self._lookouts:
            self._lookouts[prompt_id].tell(ended=True)
            self._ended.add(prompt_id)
            self._freed()

    def let_go(self, prompt_id: str) -> None:
        """Somebody has asked to cancel the image of this attempt; asking twice changes nothing."""
        if prompt_id in self._lookouts:
            self._lookouts[prompt_id].let_go()

    def tell_all(self, *, cut: bool) -> None:
        """The connection was lost (`cut`) or is back: each open attempt is asked for."""
        for lookout in self._lookouts.values():
            if cut:
                lookout.lost_sight()
            lookout.tell()

    def runs(self, prompt_id: str) -> None:
        """A hint: a step of this prompt was made."""
        if prompt_id in self._lookouts:
            self._lookouts[prompt_id].ran = True

    def longest(self) -> float:
        """Seconds its slowest workflow usually takes here, 0 while none is learned."""
        return max(self._usual.values(), default=0.0)

    def abandon(self, reason: str, *, image: str | None = None) -> None:
        """Give up on every open attempt, or on those of one image."""
        for prompt_id, work in self.open.items():
            if image in (None, work.image):
                self._lookouts[prompt_id].abandon(reason)

    def opened_lately(self, prompt_id: str) -> bool:
        """Whether it is an open attempt of ours so young that nobody can have closed it for us."""
        work = self.open.get(prompt_id)
        return work is not None and boottime() - work.opened < _LATELY

    def work_of(self, prompt_id: str) -> Work | None:
        """The open attempt with this id."""
        return self.open.get(prompt_id)

    async def stop(self) -> None:
        """Let go of every attempt: from now on no POST, no write. They stay open for others."""
        self.epoch = None
        self.forget_models()
        for error in await stop(*self._tasks.values()):
            log.error("follower ended badly", backend=self.name, error=repr(error))


class Lanes:
    """All lanes of this worker."""

    def __init__(self, lanes: Iterable[Lane]) -> None:
        self.by_name = {lane.name: lane for lane in lanes}

    def __iter__(self) -> Iterator[Lane]:
        return iter(self.by_name.values())

    def pools_with_a_free_slot(self) -> list[str]:
        """Pools of which some lane takes work now."""
        return sorted({lane.pool for lane in self.by_name.values() if lane.takes_work})

    def choose(self, pool: str, image: Locked | None = None) -> Driver | None:
        """The emptiest lane that takes this image (or any) now; none on which it is not to be.

        Among the emptiest the one that has the image's models loaded, then the one in whose memory
        least is in their way. No image ever waits for such a lane.
        """
        ready = self._emptiest(pool, image.not_on if image else ())
        if not ready:
            return None
        lane = min(
            ready, key=lambda lane: (lane.change(image.plan) if image else (0, 0), lane.name)
        )
        slot = lane.free_slot()
        assert lane.epoch is not None
        assert slot is not None
        return Driver(lane.name, lane.epoch, slot)

    def differ(self, pool: str) -> bool:
        """Whether it depends on the image which lane of this pool is to take it."""
        return len({lane.loaded for lane in self._emptiest(pool)}) > 1

    def _emptiest(self, pool: str, avoid: Collection[str] = ()) -> list[Lane]:
        """Those of a pool that take work now and have the fewest open attempts."""
        members = [lane for lane in self.by_name.values() if lane.pool == pool]
        ready = [lane for lane in members if lane.takes_work and lane.name not in avoid]
        fewest = min((len(lane.open) for lane in ready), default=0)
        return [lane for lane in ready if len(lane.open) == fewest]
