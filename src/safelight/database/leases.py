"""Statements about backends and who drives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from safelight.core.errors import SettingsError
from safelight.core.records import Drawing
from safelight.database.connection import Connection, Database, Row, sql, translating
from safelight.database.images import Work, open_work
from safelight.database.migrations import newest

LATELY = 3600.0
"""Seconds after its last lease for which a backend counts as one that may come back."""
SETUP_LOCK: Final = 0x5AFE_5E70  # who starts, one after the other; the same in every process


@dataclass(frozen=True, slots=True)
class Configured:
    """A backend as the settings name it; the url without credentials."""

    name: str
    url: str
    pool: str
    slots: int
    address: str  # the url in one spelling
    host: str  # of a loopback address: whose loopback; else empty


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
    shares_output: Sequence[str]  # other backends that were seen to write to the same folder


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that is ours."""

    epoch: int
    draining: bool  # an operator wants nothing more to be sent there
    twin: str | None  # the server is driven under this name, so not under ours


async def configure(database: Database, backends: Iterable[Configured]) -> None:
    """Make the rows say what the settings say.

    Raises:
        SettingsError: a running worker has this name for another server, or another name for it.
        DatabaseAway: no answer.
    """
    async with database.transaction() as c:
        await c.fetch(sql("lock_setup"), SETUP_LOCK)
        for backend in sorted(backends, key=lambda backend: backend.name):
            for rival in await c.fetch(sql("rivals"), backend.name, backend.address, backend.host):
                if rival["driven"]:
                    raise SettingsError(_why_not(backend, rival))
                if rival["name"] != backend.name:
                    await c.fetch(sql("rename_backend"), rival["name"], backend.name)
            await c.fetch(
                sql("configure_backend"),
                backend.name,
                backend.url,
                backend.pool,
                backend.slots,
                backend.address,
                backend.host,
            )


def _why_not(backend: Configured, rival: Row) -> str:
    name, url = backend.name, backend.url
    if rival["name"] != name:
        return (
            f'backends: "{name}" ({url}) is the same server as "{rival["name"]}", which a running '
            "worker drives: use one name for it everywhere"
        )
    if rival["host"] != backend.host and rival["address"] == backend.address:
        return (
            f'backends: "{name}" ({url}) is driven by a worker on another machine, and a loopback '
            "address is another server on every machine: name it differently here"
        )
    return (
        f'backends: "{name}" is {rival["url"]} for a running worker, and {url} here: '
        "name it differently, or stop that worker first"
    )


async def session(c: Connection) -> str:
    """What identifies this session: its process and when that began."""
    with translating():
        return str(await c.fetchval(sql("session")))


async def take(
    c: Connection,
    worker: UUID,
    session: str,
    servers: Iterable[tuple[str, str, str]],
    seconds: float,
) -> Mapping[str, Held]:
    """Take or renew leases on servers (name, address, host); those that are ours now, by name.

    None are, once a migration was applied that a worker must know and this version does not.
    """
    # In one order, so that two workers do not wait for each other.
    columns = list(zip(*sorted(servers), strict=True)) or [(), (), ()]
    with translating():
        rows = await c.fetch(sql("lease"), worker, session, *columns, seconds, newest())
    return {row["name"]: Held(row["epoch"], row["draining"], row["twin"]) for row in rows}


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


async def twins(database: Database, backend: str, prompt_ids: Sequence[str]) -> set[str]:
    """Other backends, driven now, under whose names these prompts of ours were opened."""
    rows = await database.fetch("twins", backend, prompt_ids)
    return {row["backend"] for row in rows}


async def note_twin(database: Database, backend: str, twin: str) -> None:
    """Write down that a backend is the same server as another one."""
    await database.fetch("note_twin", backend, twin)


async def note_sharing(database: Database, one: str, other: str, *, shares: bool) -> bool:
    """Write down whether two backends write to one folder; true if that is news."""
    return bool(await database.fetch("note_sharing", one, other, shares))


async def undriven(database: Database) -> set[str]:
    """Backends with open attempts that nobody drives."""
    return {row["backend"] for row in await database.fetch("undriven")}


async def others(c: Connection, pool: str, beside: Sequence[str], *, ready: bool) -> bool:
    """Whether a pool has a backend beside these that is ready, or that was driven of late."""
    return await c.fetchrow(sql("other_backends"), pool, beside, LATELY, ready) is not None


async def slow(database: Database, times: float, more: float) -> dict[str, float]:
    """Backends that take so many times as long as the others of their pool for the same workflow,
    and so many seconds more: how many times, by name."""
    rows = await database.fetch("slow_backends", times, more)
    return {row["name"]: row["times"] for row in rows}


async def drawing(database: Database) -> dict[str, list[Drawing]]:
    """What backends have, by their names: first what each draws first."""
    found: dict[str, list[Drawing]] = {}
    for row in await database.fetch("drawing"):
        image, batch = str(row["image_id"]), str(row["batch_id"])
        whose = row["user_id"], row["character_id"], row["index"]
        held = found.setdefault(row["backend"], [])
        held.append(Drawing(image, batch, *whose, row["opened_at"]))
    return found


async def paces(database: Database) -> dict[str, float]:
    """Seconds an image usually takes on a backend, by its name."""
    return {row["name"]: row["seconds"] for row in await database.fetch("paces")}


async def backends(database: Database) -> list[BackendRow]:
    """Every backend, by name."""
    return [BackendRow(**dict(row)) for row in await database.fetch("backends")]
