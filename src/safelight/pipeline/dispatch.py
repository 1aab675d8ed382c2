"""dispatch: a queued image → an attempt, its prompt id written first → sent to a backend.

The token is taken, the attempt opened and the token ended in one transaction: the attempt row is
the only thing that says a slot is taken. The prompt goes out after the commit, once, and within
`SEND_WITHIN` seconds of it, so that after the renderer's `settled_after` nothing can still arrive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID, uuid4

from safelight.core.filling import fill
from safelight.core.models import models_of
from safelight.core.records import Graph, ImageError, Lora, Plan
from safelight.core.states import QUEUED
from safelight.database import arrows, batches, engine, holds, images, shares
from safelight.database.arrows import Dispatch, Driver
from safelight.database.connection import Connection, Database
from safelight.database.engine import Token
from safelight.database.images import Locked, Work, boottime
from safelight.renderers.base import Prompt

SEND_WITHIN: Final = 3.0  # s from the attempt's commit
STEP_ASIDE: Final = 2.0  # s

DEADLINE_PASSED: Final = ImageError(
    "deadline-passed", "The batch's deadline passed before a backend was free. Order it again."
)

# Which lane takes this image: its backend, epoch and a free slot; None if none can now.
Choose: TypeAlias = Callable[[Locked], Driver | None]
# What of a plan decides which models are loaded: graph, checkpoint, LoRAs.
_Loading: TypeAlias = tuple[str, str | None, tuple[Lora, ...]]


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one look at the line gave: `work` to be sent, or nothing but a moved token."""

    work: Work | None = None
    more: bool = False  # there is more in line: look again
    changed: str | None = None  # a batch that has news
    ended: bool = False  # which may be its end


async def pull(
    database: Database,
    pool: str,
    worker: UUID,
    first: Driver,
    choose: Choose,
    cap: int | None = None,
    *,
    picky: bool = False,
) -> Pulled:
    """Take the first image of a pool's line and open an attempt for it, with the driver `first`,
    or where that may not draw it, with the one that `choose` names.

    `picky`: which driver is best depends on the image, so it is read before one is chosen.

    `cap` is how many images of one user may be at backends at the same time: one more steps aside
    until another of its user has ended.

    Raises:
        LeaseLost: nothing happened; the lease of the driver is no longer ours.
        Draining: nothing happened; the driver's backend is to take nothing more.
        DatabaseAway: nothing happened.
    """
    async with database.transaction() as c:
        token = await engine.take(c, pool, worker)
        if token is None:
            return Pulled()
        if cap is not None and not await shares.has_room(c, token.image, cap):
            await shares.set_aside(c, token.image)
            await engine.finish(c, token)
            return Pulled(more=True)
        if picky:
            image = await images.lock(c, token.image)
            first = (choose(image) if image else None) or first
        prompt_id, opened = str(uuid4()), boottime()
        tried = await arrows.dispatch(c, token.image, prompt_id, first)
        if tried and tried.dispatched:
            await engine.finish(c, token)
            work = _work(tried.image, prompt_id, first, opened)
            return Pulled(work, more=tried.more, changed=work.batch)
        if tried and tried.image.status == QUEUED and not tried.image.late:
            return await _otherwise(c, token, tried, first, choose)
        await engine.finish(c, token)  # queued elsewhere, canceled, stored: the token just ends
        if tried is None or tried.image.status != QUEUED:
            return Pulled(more=True)
        await arrows.expire(c, token.image, DEADLINE_PASSED)
        return Pulled(more=True, changed=tried.image.batch, ended=True)


async def _otherwise(
    c: Connection, token: Token, tried: Dispatch, first: Driver, choose: Choose
) -> Pulled:
    """The image waits, but this driver cannot have it, or nobody can now."""
    if tried.held and await holds.keep_held(c, token.image, tried.image.plan.graph):
        await engine.finish(c, token)
        return Pulled(more=True)
    if not tried.leased:
        raise LeaseLost(first.backend)
    if tried.draining:
        raise Draining(first.backend)
    driver = choose(tried.image)
    if driver is None:
        await engine.step_aside(c, token, STEP_ASIDE)
        return Pulled(more=True)
    prompt_id, opened = str(uuid4()), boottime()
    again = await arrows.dispatch(c, token.image, prompt_id, driver)
    if again is None or not again.dispatched:
        raise (Draining if again and again.draining else LeaseLost)(driver.backend)
    await engine.finish(c, token)
    work = _work(again.image, prompt_id, driver, opened)
    return Pulled(work, more=again.more, changed=work.batch)


class LeaseLost(Exception):
    """The lease under which an attempt was to be opened is no longer ours: roll back."""


class Draining(Exception):
    """The backend on which an attempt was to be opened takes nothing more: roll back."""


def _work(image: Locked, prompt_id: str, driver: Driver, opened: float) -> Work:
    # `opened` was read before the commit: we believe the attempt older than it is, never younger.
    return Work(
        prompt_id=prompt_id,
        image=image.id,
        batch=image.batch,
        user=image.user,
        character=image.character,
        index=image.index,
        seed=image.seed,
        backend=driver.backend,
        epoch=driver.epoch,
        slot=driver.slot,
        opened=opened,
        deadline=opened + image.left,
        plan=image.plan,
        traceparent=image.traceparent,
    )


class Graphs:
    """The unfilled graphs, kept in memory by content hash: they never change."""

    def __init__(self, database: Database, room: int = 256) -> None:
        self._database = database
        self._room = room
        self._known: dict[str, Graph] = {}
        self._models: dict[_Loading, frozenset[str]] = {}

    async def prompt(self, work: Work) -> Prompt:
        """The filled workflow of an attempt, always the same for the same attempt."""
        graph = await self._graph(work.plan.graph)
        filled, folder = fill(graph, work.plan, work.seed, work.prompt_id)
        told = {
            "user": work.user,
            "character": work.character,
            "index": work.index,
            "seed": work.seed,
            "image": work.image,
            "attempt": work.prompt_id,
        }
        return Prompt(
            work.prompt_id, filled, work.plan.slots["output"], folder, {"safelight": told}
        )

    def models(self, plan: Plan) -> frozenset[str]:
        """The models its images need; none as long as no prompt was made of this graph here."""
        loading = (plan.graph, plan.values.get("checkpoint"), plan.loras)
        if loading not in self._models:
            if plan.graph not in self._known:
                return frozenset()
            if len(self._models) >= self._room:
                del self._models[next(iter(self._models))]
            filled, _ = fill(self._known[plan.graph], plan, 0, "")
            self._models[loading] = models_of(filled, plan.slots["output"])
        return self._models[loading]

    async def _graph(self, sha256: str) -> Graph:
        if sha256 not in self._known:
            if len(self._known) >= self._room:
                del self._known[next(iter(self._known))]
            self._known[sha256] = await batches.graph(self._database, sha256)
        return self._known[sha256]
