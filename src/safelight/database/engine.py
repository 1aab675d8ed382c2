"""Our port to the job engine: the line of images that wait for a slot, and errands.

A token in the line is one queued image's place in it, nothing more: the image row is the truth, a
lost token is put back by the reconciler and one too many just ends. A token is taken, its image
dispatched and the token acknowledged in one transaction of ours, so nobody ever sees it picked.

An errand (a copy to a publisher, a webhook) has a token of the same kind: it says "look at this
row", now or later. Who takes it claims the row and ends the token in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.queries import Queries
from pgqueuer.types import QueueEntrypoint, QueueManagerId

from safelight.database.connection import Connection

# The engine's priority is an int4 and higher goes first, our turns are bigint and lower go first.
_FIRST: Final = 2**31 - 1
_LAST: Final = -(2**31)
# Tokens are never left picked, so the engine's own recovery of them never has work.
_NEVER: Final = timedelta(days=1)


# Shared by all calls: the engine keeps composed statements in them.
_BUILDERS: Final = (QueryBuilderEnvironment(), QueryQueueBuilder(), QuerySchedulerBuilder())


@dataclass(frozen=True, slots=True)
class Place:
    """One image's place in the line of a pool."""

    image: str
    pool: str
    turn: int
    tries: int  # of its row: a token of an earlier try is another token


@dataclass(frozen=True, slots=True)
class Token:
    """A place that was taken from the line, inside the transaction that took it."""

    image: str
    job: Job


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to be done beside rendering, when its time has come."""

    kind: str  # who does it, "publish:NAME"
    row: str  # id
    nudge: int  # a token of an earlier nudge is another token
    delay: float = 0.0  # s from now


async def line_up(c: Connection, places: Sequence[Place]) -> None:
    """Put images in line; those whose token is there already stay where they are."""
    await _queries(c).enqueue(
        [_entrypoint(place.pool) for place in places],
        [UUID(place.image).bytes for place in places],
        [priority(place.turn) for place in places],
        dedupe_key=[f"{place.image}:{place.tries}" for place in places],
        on_conflict="skip",
    )


async def take(c: Connection, pool: str, worker: UUID) -> Token | None:
    """The first token of a pool that nobody else is taking, or None."""
    job = await _first(c, _entrypoint(pool), worker)
    return Token(str(UUID(bytes=job.payload)), job) if job else None


async def send(c: Connection, errands: Sequence[Errand]) -> None:
    """Have errands done; those whose token is there already stay as they are."""
    if not errands:
        return
    await _queries(c).enqueue(
        [errand.kind for errand in errands],
        [UUID(errand.row).bytes for errand in errands],
        [0 for _ in errands],
        [timedelta(seconds=errand.delay) for errand in errands],
        dedupe_key=[f"{errand.row}:{errand.nudge}" for errand in errands],
        on_conflict="skip",
    )


async def take_errand(c: Connection, kind: str, worker: UUID) -> str | None:
    """The row of the next errand of a kind that is due, its token ended; None: there is none."""
    job = await _first(c, kind, worker)
    if job is None:
        return None
    await _queries(c).log_jobs([(job, "successful", None)])
    return str(UUID(bytes=job.payload))


async def finish(c: Connection, token: Token) -> None:
    """The token has done its work."""
    await _queries(c).log_jobs([(token.job, "successful", None)])


async def step_aside(c: Connection, token: Token, seconds: float) -> None:
    """Let others pass for a while; the place in the line is kept."""
    await _queries(c).retry_job(token.job, timedelta(seconds=seconds), None)


async def _first(c: Connection, entrypoint: str, worker: UUID) -> Job | None:
    line = {QueueEntrypoint(entrypoint): EntrypointExecutionParameter(concurrency_limit=0)}
    jobs = await _queries(c).dequeue(1, line, QueueManagerId(worker), None, _NEVER)
    return jobs[0] if jobs else None


def priority(turn: int) -> int:
    """Earlier turn, higher priority, within an int4."""
    return max(_LAST, min(_FIRST, _FIRST - turn))


def _queries(c: Connection) -> Queries:
    environment, queue, scheduler = _BUILDERS
    return Queries(AsyncpgDriver(c), qbe=environment, qbq=queue, qbs=scheduler)


def _entrypoint(pool: str) -> str:
    return f"render:{pool}"
