"""The one place that knows everything: it puts the concrete parts together and takes them apart."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import structlog
import uvicorn

from safelight.api.app import create_app
from safelight.core.errors import DatabaseAway, SafelightError, SettingsError
from safelight.database import embedded, leases
from safelight.database.bell import Bell
from safelight.database.connection import Database, open_database
from safelight.database.leases import Configured
from safelight.database.migrations import migrate as apply_migrations
from safelight.database.pruning import Retention
from safelight.gateway import Gateway
from safelight.gateway.catalogue import Shelf
from safelight.pipeline.accept import Acceptor
from safelight.pipeline.closing import Closer
from safelight.pipeline.dispatch import Graphs
from safelight.pipeline.gather import Follower, Rules
from safelight.renderers.base import Renderer
from safelight.renderers.comfyui import ComfyUI
from safelight.settings import Backend, Settings
from safelight.store import Store, StoreError, open_store
from safelight.worker.lanes import Lane
from safelight.worker.reconcile import Reconciler
from safelight.worker.working import Worker

log = structlog.get_logger()

# The renderers there are, by the `kind` of a backend.
RENDERERS: Final[Mapping[str, Callable[..., Renderer]]] = {"comfyui": ComfyUI}


@dataclass(frozen=True, slots=True)
class Running:
    """Everything in this process, listening at `url`."""

    url: str


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of the doctor."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


@asynccontextmanager
async def running(
    settings: Settings, *, worker: bool = True, host: str | None = None, port: int | None = None
) -> AsyncIterator[Running]:
    """Database, worker and HTTP in this process and loop; all is stopped on exit.

    Port 0 is a free one. Raises `SettingsError`, `DatabaseAway`.
    """
    host = settings.server.host if host is None else host
    port = settings.server.port if port is None else port
    listening = _listen(host, port)
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        database = await stack.enter_async_context(_database(settings))
        bell = Bell(database, str(me := uuid4()))
        await bell.start()
        stack.push_async_callback(bell.stop)
        store = _store(settings)
        crew = await _crew(settings, database, bell, store, me) if worker else None
        if crew:
            await crew.start()
            stack.push_async_callback(crew.stop)
        gateway = _gateway(settings, database, bell, store, crew)
        await stack.enter_async_context(_http(settings, gateway, listening))
        yield Running(f"http://{_bracketed(host)}:{listening.getsockname()[1]}")


async def serve(settings: Settings, *, worker: bool, announce: Callable[[str], None]) -> None:
    """API and, unless told otherwise, worker, until SIGTERM or SIGINT."""
    stop = _stop_on_signals()
    async with running(settings, worker=worker) as here:
        announce(here.url)
        await stop.wait()


async def work(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """A worker only, which opens no port, until SIGTERM or SIGINT."""
    stop = _stop_on_signals()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(_database(settings))
        bell = Bell(database, str(me := uuid4()))
        await bell.start()
        stack.push_async_callback(bell.stop)
        crew = await _crew(settings, database, bell, _store(settings), me)
        await crew.start()
        stack.push_async_callback(crew.stop)
        announce(", ".join(backend.name for backend in settings.backends))
        await stop.wait()


async def migrate(settings: Settings) -> list[str]:
    """Bring the schema up to date; returns the migrations applied now."""
    async with _bare_database(settings) as database:
        return await apply_migrations(database)


async def doctor(settings: Settings) -> list[Check]:
    """Look at everything a batch needs, change nothing but the schema."""
    checks = [await _check_database(settings), await _check_store(settings)]
    checks.append(_check_catalogue(settings))
    checks += [await _check_backend(backend) for backend in settings.backends]
    return checks


async def _check_database(settings: Settings) -> Check:
    advice = "Set database.url to a PostgreSQL 15 or newer, or leave it out for the embedded one."
    try:
        async with _database(settings) as database:
            row = await database.fetchrow("writable")
    except SafelightError as error:
        return Check("database", False, error.detail, advice)
    if row is None or row["read_only"]:
        return Check("database", False, "read-only", "Point database.url to the primary server.")
    return Check("database", True, "embedded" if settings.database.url is None else "answers")


async def _check_store(settings: Settings) -> Check:
    key = f"doctor/{uuid4()}"
    advice = "Check store.url, its credentials, and the free space."
    try:
        store = _store(settings)
        await store.put(key, b"safelight")
        whole = await store.get(key) == b"safelight"
        await store.delete(key)
    except (StoreError, SettingsError) as error:
        return Check("store", False, str(error), advice)
    return Check("store", whole, "writes, reads, deletes" if whole else "gives other bytes", advice)


def _check_catalogue(settings: Settings) -> Check:
    try:
        catalogue = settings.catalogue()
    except SafelightError as error:
        return Check("catalogue", False, error.detail, "Mend the file it names.")
    told = f"{len(catalogue.characters)} characters, {len(catalogue.workflows)} workflows"
    return Check("catalogue", True, f"{told} in the settings")


async def _check_backend(backend: Backend) -> Check:
    renderer = _renderer(backend, previews=False)
    try:
        vitals = await renderer.probe()
    finally:
        await renderer.close()
    name = f"backend {backend.name}"
    match vitals:
        case _ if hasattr(vitals, "reason"):
            advice = f"Start ComfyUI there, or set the url of {backend.name}."
            return Check(name, False, f"{_bare_url(backend.url)}: {vitals.reason}", advice)
        case _:
            held = len(vitals.running) + len(vitals.waiting)
            return Check(name, True, f"ComfyUI {vitals.version or '?'}, {held} prompts")


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    async with _bare_database(settings) as database:
        applied = await apply_migrations(database)
        if applied:
            log.info("schema brought up to date", migrations=applied)
        yield database


@asynccontextmanager
async def _bare_database(settings: Settings) -> AsyncIterator[Database]:
    async with AsyncExitStack() as stack:
        if settings.database.url is not None:
            arguments: Mapping[str, Any] = {"dsn": settings.database.url.get_secret_value()}
        else:
            server = await _embedded(settings)
            stack.push_async_callback(embedded.release, server)
            arguments = server.connect_arguments()
        database = await open_database(arguments)
        stack.push_async_callback(database.close)
        yield database


async def _embedded(settings: Settings) -> embedded.Server:
    try:
        return await embedded.attach(
            settings.home / "postgres", binaries=settings.database.binaries
        )
    except embedded.EmbeddedError as error:
        raise DatabaseAway(str(error)) from error


def _store(settings: Settings) -> Store:
    url = settings.store.url
    try:
        return open_store(url.get_secret_value() if url else None, settings.home / "store")
    except ValueError as error:
        raise SettingsError(f"store.url: {error}") from None


async def _crew(
    settings: Settings, database: Database, bell: Bell, store: Store, me: UUID
) -> Worker:
    await leases.configure(
        database,
        [Configured(b.name, _bare_url(b.url), b.pool, b.slots) for b in settings.backends],
    )
    graphs = Graphs(database)
    closer = Closer(database, bell, settings.rendering.max_attempts)
    rules = Rules(
        settings.rendering.lost_after,
        settings.rendering.max_file,
        settings.rendering.max_pixels,
    )
    lanes = []
    for backend in settings.backends:
        renderer = _renderer(backend, previews=settings.rendering.previews)
        lane = Lane(backend.name, backend.pool, backend.slots, renderer, bell.line.set)
        lane.follower = Follower(renderer, graphs, store, closer, rules, lane.note_keeping)
        lanes.append(lane)
    retention = Retention(
        settings.retention.events_days,
        settings.retention.attempts_days,
        settings.retention.idempotency_hours,
    )
    return Worker(database, bell, lanes, Reconciler(database, bell, retention), me)


def _renderer(backend: Backend, *, previews: bool) -> Renderer:
    return RENDERERS["comfyui"](
        backend.url,
        headers={name: value.get_secret_value() for name, value in backend.headers.items()},
        token=backend.token.get_secret_value() if backend.token else None,
        previews=previews,
    )


def _gateway(
    settings: Settings, database: Database, bell: Bell, store: Store, crew: Worker | None
) -> Gateway:
    return Gateway(
        database=database,
        bell=bell,
        store=store,
        shelf=Shelf(database, settings.catalogue()),
        acceptor=Acceptor(database, bell, settings.rendering.deadline),
        limits=settings.limits.record(),
        working=crew.how if crew else None,
    )


@asynccontextmanager
async def _http(
    settings: Settings, gateway: Gateway, listening: socket.socket
) -> AsyncIterator[None]:
    app = create_app(
        gateway,
        public_url=settings.server.public_url,
        limits=settings.limits.record(),
        max_body=int(settings.server.max_body),
    )
    config = uvicorn.Config(
        app,
        loop="asyncio",  # pgqueuer brings uvloop along and uvicorn would take it
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listening]), name="http")
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror}. "
            "Set server.port (or --port) to a free one."
        ) from None
    listening.listen(1024)
    listening.setblocking(False)
    return listening


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _bare_url(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
