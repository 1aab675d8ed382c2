"""Statements about backends and who drives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from safelight.database.connection import Connection, Database, sql, translating
from safelight.database.images import Work, open_work

LATELY = 3600.0
"""Seconds after its last lease for which a backend counts as one that may come back."""


@dataclass(frozen=True, slots=True)
class Configured:
    """A backend as the settings name it; the url without credentials."""

    name: str
    url: str
    pool: str
    slots: int


@dataclass(frozen=True, slots=True)
class BackendRow:
    """A backend as its row says."""

    name: str
    url: str
    pool: str
    slots: int
    state: str
    reason: str | None
    draining: bool
    owner: str | None
    leased: bool
    running: int  # open attempts
    ghosts: int  # attempts of the last day whose prompts were found there after they were closed
    seen_at: datetime | None
    until: datetime | None  # of a resting one: the next look at it


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that is ours."""

    epoch: int
    draining: bool  # an operator wants nothing more to be sent there


async def configure(database: Database, backends: Iterable[Configured]) -> None:
    """Make the rows say what the settings say."""
    async with database.transaction() as c:
        for backend in sorted(backends, key=lambda backend: backend.name):
            await c.fetch(
                sql("configure_backend"), backend.name, backend.url, backend.pool, backend.slots
            )


async def session(c: Connection) -> str:
    """What identifies this session: its process and when that began."""
    with translating():
        return str(await c.fetchval(sql("session")))


async def take(
    c: Connection, worker: UUID, session: str, names: Sequence[str], seconds: float
) -> Mapping[str, Held]:
    """Take or renew leases; those that are ours now, by name."""
    with translating():
        rows = await c.fetch(sql("lease"), worker, session, names, seconds)
    return {row["name"]: Held(row["epoch"], row["draining"]) for row in rows}


async def adopt(database: Database, backend: str, epoch: int) -> list[Work]:
    """Put every open attempt of a backend under our epoch and return them."""
    await database.fetch("adopt_attempts", backend, epoch)
    return [work for work in await open_work(database, backend) if work.epoch == epoch]


async def release(database: Database, worker: UUID) -> None:
    """Give back every lease of a worker."""
    await database.fetch("release", worker)


async def note_state(
    database: Database,
    backend: str,
    state: str,
    reason: str | None,
    worker: UUID,
    pause: float | None = None,
) -> None:
    """Write down how a backend is, if we drive it, and in how many seconds it is asked again."""
    await database.fetch("backend_state", backend, state, reason, worker, pause)


async def drain(database: Database, backend: str, *, draining: bool) -> bool:
    """Let a backend take nothing more, or again; false if there is none of this name.

    Holds from the commit on: no attempt is opened on a backend that drains.
    """
    return await database.fetchrow("drain", backend, draining) is not None


async def ghosts(database: Database, prompt_ids: Sequence[str]) -> list[str]:
    """Which of these prompts are ours and closed; from now on they are counted as ghosts."""
    return [str(row["prompt_id"]) for row in await database.fetch("ghosts", prompt_ids)]


async def others(c: Connection, pool: str, beside: Sequence[str]) -> bool:
    """Whether a pool has a backend beside these that somebody has driven of late."""
    return await c.fetchrow(sql("other_backends"), pool, beside, LATELY) is not None


async def backends(database: Database) -> list[BackendRow]:
    """Every backend, by name."""
    return [BackendRow(**dict(row)) for row in await database.fetch("backends")]
