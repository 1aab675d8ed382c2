"""dispatch: a queued image → an attempt, its prompt id written first → sent to a backend.

The token is taken, the attempt opened and the token ended in one transaction: the attempt row is
the only thing that says a slot is taken. The prompt goes out after the commit, once, and within
`SEND_WITHIN` seconds of it, so that after `SETTLED_AFTER` seconds nothing can still arrive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID, uuid4

from safelight.core.filling import fill
from safelight.core.records import Graph, ImageError
from safelight.core.states import QUEUED
from safelight.database import arrows, batches, engine, images
from safelight.database.arrows import Driver
from safelight.database.connection import Connection, Database
from safelight.database.images import Locked, Work, boottime
from safelight.renderers.base import Prompt

SEND_WITHIN: Final = 3.0  # s from the attempt's commit
SETTLED_AFTER: Final = 15.0  # s; a cut cable delivered a given-up POST 12 s later (measured)
STEP_ASIDE: Final = 2.0  # s

DEADLINE_PASSED: Final = ImageError(
    "deadline-passed", "The batch's deadline passed before a backend was free. Order it again."
)

# Which lane takes this image: its backend, epoch and a free slot; None if none can now.
Choose: TypeAlias = Callable[[Locked], Driver | None]


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one look at the line gave: `work` to be sent, or nothing but a moved token."""

    work: Work | None = None
    more: bool = False  # there is more in line: look again
    changed: str | None = None  # a batch that has news
    ended: bool = False  # which may be its end


async def pull(database: Database, pool: str, worker: UUID, choose: Choose) -> Pulled:
    """Take the first image of a pool's line and open an attempt for it.

    Raises:
        DatabaseAway: nothing happened.
    """
    async with database.transaction() as c:
        token = await engine.take(c, pool, worker)
        if token is None:
            return Pulled()
        image = await images.lock(c, token.image)
        if image is None or image.status != QUEUED:
            await engine.finish(c, token)
            return Pulled(more=True)
        if image.late:
            await arrows.expire(c, image.id, DEADLINE_PASSED)
            await engine.finish(c, token)
            return Pulled(more=True, changed=image.batch, ended=True)
        driver = choose(image)
        if driver is None:
            await engine.step_aside(c, token, STEP_ASIDE)
            return Pulled(more=True)
        work, more = await _open(c, image, driver)
        await engine.finish(c, token)
    return Pulled(work, more=more, changed=work.batch)


class LeaseLost(Exception):
    """The lease under which an attempt was to be opened is no longer ours: roll back."""


async def _open(c: Connection, image: Locked, driver: Driver) -> tuple[Work, bool]:
    opened = boottime()  # before the commit: whoever reads it believes us older than we are
    prompt_id = str(uuid4())
    opened_row = await arrows.dispatch(c, image, prompt_id, driver)
    if opened_row is None:
        raise LeaseLost(driver.backend)
    work = Work(
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
    )
    return work, opened_row["more"]


class Graphs:
    """The unfilled graphs, kept in memory by content hash: they never change."""

    def __init__(self, database: Database, room: int = 256) -> None:
        self._database = database
        self._room = room
        self._known: dict[str, Graph] = {}

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

    async def _graph(self, sha256: str) -> Graph:
        if sha256 not in self._known:
            if len(self._known) >= self._room:
                del self._known[next(iter(self._known))]
            self._known[sha256] = await batches.graph(self._database, sha256)
        return self._known[sha256]
