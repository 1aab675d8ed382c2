"""The concrete parts, each made from the settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from safelight.assembly.delivering import copying, keeping_indices
from safelight.assembly.reporting import reporting
from safelight.assembly.watching import Watch
from safelight.core.errors import DatabaseAway, SettingsError
from safelight.database import embedded, leases
from safelight.database.bell import Bell
from safelight.database.connection import Database, open_database
from safelight.database.leases import Configured
from safelight.database.migrations import migrate
from safelight.database.pruning import Retention
from safelight.database.stopping import stop
from safelight.gateway import Allowed, Gateway
from safelight.gateway.catalogue import Shelf
from safelight.gateway.copies import Copies
from safelight.pipeline.accept import Acceptor
from safelight.pipeline.closing import Closer
from safelight.pipeline.dispatch import Graphs
from safelight.pipeline.endings import LOOK_AGAIN, Rules
from safelight.pipeline.gather import Follower
from safelight.pipeline.hub import Hub
from safelight.pipeline.removing import Remover
from safelight.pipeline.tracing import UNTRACED, Traces
from safelight.pipeline.wishes import Wishes
from safelight.renderers.base import Renderer
from safelight.renderers.comfyui import ComfyUI
from safelight.renderers.runpod import RunPod
from safelight.settings import Backend, Pool, Rendering, Settings, address, on_loopback
from safelight.store import Store, open_store
from safelight.worker.lanes import Lane
from safelight.worker.reconcile import Reconciler
from safelight.worker.sweeping import Sweeper
from safelight.worker.working import Worker

log = structlog.get_logger()

_DECODERS: Final = 2  # pictures decoded at the same time
_REVIVE_EVERY: Final = 1.0  # s

# The renderers there are, by the kind of a backend.
RENDERERS: Final[Mapping[str, Callable[..., Renderer]]] = {
    "comfyui": ComfyUI,
    "runpod": RunPod,
}


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[Database]:
    async with bare_database(settings) as database:
        applied = await migrate(database)
        if applied:
            log.info("schema brought up to date", migrations=applied)
        await database.stay_with_this_one()
        yield database


@asynccontextmanager
async def bare_database(settings: Settings) -> AsyncIterator[Database]:
    async with AsyncExitStack() as stack:
        if settings.database.url is not None:
            arguments: Mapping[str, Any] = {"dsn": settings.database.url.get_secret_value()}
        else:
            server = await _embedded(settings)
            stack.push_async_callback(embedded.release, server)
            arguments = server.connect_arguments()
        database = await open_database(arguments)
        stack.push_async_callback(database.close)
        if settings.database.url is None:
            reviving = asyncio.create_task(_revive(settings, database), name="revive")
            stack.push_async_callback(stop, reviving)
        yield database


async def _revive(settings: Settings, database: Database) -> None:
    """Start the embedded server again when somebody has killed it."""
    while True:
        await asyncio.sleep(_REVIVE_EVERY)
        try:
            await database.fetchrow("writable")
        except DatabaseAway as away:
            log.warning("database is away", reason=away.detail)
            try:
                # Our own use is still held: the second one only sees to it that it runs.
                await embedded.release(await _embedded(settings))
            except DatabaseAway as still:
                log.error("the embedded database cannot be started", reason=still.detail)


async def _embedded(settings: Settings) -> embedded.Server:
    try:
        return await embedded.attach(
            settings.home / "postgres", binaries=settings.database.binaries
        )
    except embedded.EmbeddedError as error:
        raise DatabaseAway(str(error)) from error


def opened_store(settings: Settings) -> Store:
    url = settings.store.url
    try:
        return open_store(url.get_secret_value() if url else None, settings.home / "store")
    except ValueError as error:
        raise SettingsError(f"store.url: {error}") from None


async def make_worker(
    settings: Settings,
    database: Database,
    bell: Bell,
    store: Store,
    me: UUID,
    machine: str,
    traces: Traces = UNTRACED,
) -> Worker:
    """A worker; `machine` tells the loopback it lives on. Raises SettingsError, DatabaseAway."""
    configured = [_configured(backend, machine) for backend in settings.backends]
    await leases.configure(database, configured)
    graphs = Graphs(database)
    decoders = asyncio.Semaphore(_DECODERS)
    cap = settings.limits.in_flight_per_user
    closer = Closer(database, bell, settings.rendering.max_attempts, cap)
    rules = {backend.pool: _rules(settings, backend.pool) for backend in settings.backends}
    lanes = []
    for backend, row in zip(settings.backends, configured, strict=True):
        renderer = renderer_of(backend, settings.rendering)
        lane = Lane(
            backend.name,
            backend.pool,
            backend.slots,
            renderer,
            bell.line.stir,
            settings.rendering.zombie_after,
            graphs.models,
            address=row.address,
            host=row.host,
        )
        lane.follower = Follower(
            renderer,
            graphs,
            store,
            closer,
            rules[backend.pool],
            decoders,
            lane.note_keeping,
            traces,
        )
        lanes.append(lane)
    retention = Retention(
        settings.retention.events_days,
        settings.retention.attempts_days,
        settings.retention.idempotency_hours,
    )
    reconciler = Reconciler(closer, retention, settings.rendering.lost_after)
    sweeper = Sweeper(Remover(database, bell, store), settings.retention.originals_days)
    beside = {
        "sweep": sweeper.run,
        **keeping_indices(settings, database, store),
        **copying(settings, database, bell, store, me, traces),
        **reporting(settings, database, bell, me, traces),
    }
    return Worker(database, bell, lanes, reconciler, me, cap, beside)


def _rules(settings: Settings, pool: str) -> Rules:
    shared = settings.pools.get(pool, Pool()).shared_output
    return Rules(
        settings.rendering.lost_after,
        settings.rendering.max_file,
        settings.rendering.max_pixels,
        look_again=LOOK_AGAIN if shared else 0.0,
    )


def _configured(backend: Backend, machine: str) -> Configured:
    return Configured(
        name=backend.name,
        url=bare_url(backend.url),
        pool=backend.pool,
        slots=backend.slots,
        address=address(backend.url),
        host=machine if on_loopback(backend.url) else "",
    )


def renderer_of(backend: Backend, rendering: Rendering) -> Renderer:
    return RENDERERS[backend.kind](
        backend.url,
        headers={name: value.get_secret_value() for name, value in backend.headers.items()},
        token=backend.token.get_secret_value() if backend.token else None,
        **_options(backend, rendering),
    )


def _options(backend: Backend, rendering: Rendering) -> Mapping[str, Any]:
    """What only this kind of renderer takes."""
    if backend.kind == "comfyui":
        return {"previews": rendering.previews}
    limits = {"ttl": backend.ttl, "execution_timeout": backend.execution_timeout}
    given = {name: seconds for name, seconds in limits.items() if seconds is not None}
    return {"max_file": int(rendering.max_file), **given}


def make_gateway(
    settings: Settings,
    database: Database,
    bell: Bell,
    store: Store,
    crew: Worker | None,
    watch: Watch,
) -> Gateway:
    fairness = settings.limits.fairness()
    return Gateway(
        database=database,
        bell=bell,
        hub=Hub(database, bell, settings.server.max_listeners),
        store=store,
        shelf=Shelf(database, settings.catalogue(), settings.order_limits()),
        acceptor=Acceptor(
            database,
            bell,
            settings.rendering.deadline,
            fairness,
            tuple(settings.publishers),
            watch.traces,
        ),
        wishes=Wishes(database, bell, settings.rendering.deadline, fairness),
        copies=Copies(database, bell, tuple(settings.publishers)),
        limits=settings.order_limits(),
        working=crew.how if crew else None,
        metrics=watch.metrics.text,
        webhooks=Allowed(settings.webhooks.allow_private, settings.webhooks.secret is not None),
        rates=settings.limits.rates(),
    )


def bare_url(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
