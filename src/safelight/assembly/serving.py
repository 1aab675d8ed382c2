"""What runs: API and worker in one process, or a worker alone, until somebody stops it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from fastapi import FastAPI

from safelight.api.app import create_app
from safelight.assembly.descriptors import many_files
from safelight.assembly.listening import address_of, answering, listen
from safelight.assembly.memory import few_arenas, settle_down
from safelight.assembly.parts import (
    bare_database,
    make_gateway,
    make_worker,
    opened_database,
)
from safelight.assembly.sharing import machine, shared_store
from safelight.assembly.watching import Watch, showing, watching
from safelight.core.errors import SettingsError
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.migrations import migrate as apply_migrations
from safelight.gateway import Gateway, Keyring
from safelight.settings import Settings, is_loopback
from safelight.worker.working import Worker


@dataclass(frozen=True, slots=True)
class Running:
    """Everything in this process, listening at `url`."""

    url: str
    key: str = field(repr=False)  # opens this server to this process, whatever keys there are


@asynccontextmanager
async def running(
    settings: Settings, *, worker: bool = True, port: int | None = None
) -> AsyncIterator[Running]:
    """Database, worker and HTTP in this process and loop; all is stopped on exit.

    Port 0 is a free one. Raises `SettingsError`, `DatabaseAway`.
    """
    few_arenas()
    many_files(settings.server.max_listeners)
    host = settings.server.host
    port = settings.server.port if port is None else port
    listening = listen(host, port, stalled_after=settings.server.stalled_after)
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        watch = await stack.enter_async_context(watching(settings))
        database = await stack.enter_async_context(opened_database(settings))
        database.count = watch.metrics.count
        keyring = Keyring(database)
        await _refuse_open_door(host, keyring)
        bell, me = await _ringing(stack, database)
        store = await shared_store(settings, database)
        crew = None
        if worker:
            crew = await make_worker(
                settings, database, bell, store, me, machine(settings), watch.traces
            )
            await _working(stack, crew)
        watch.look_at(database, bell, crew.how if crew else None)
        gateway = make_gateway(settings, database, bell, store, crew, watch)
        app = _app(settings, gateway, keyring, watch)
        await stack.enter_async_context(answering(app, listening))
        stack.push_async_callback(gateway.stop)
        settle_down()
        yield Running(address_of(host, listening), keyring.own)


async def serve(settings: Settings, *, worker: bool, announce: Callable[[str], None]) -> int:
    """API and, unless told otherwise, worker, until SIGTERM or SIGINT; returns which it was."""
    stop = _Stop()
    async with running(settings, worker=worker) as here:
        announce(here.url)
        return await stop.asked()


async def work(
    settings: Settings,
    *,
    announce: Callable[[str, str | None], None],
    metrics: tuple[str, int] | None = None,
) -> int:
    """A worker only, until SIGTERM or SIGINT; returns which it was.

    It opens no port, unless `metrics` says on which host and port it is to be measured.
    """
    few_arenas()
    stop = _Stop()
    async with AsyncExitStack() as stack:
        watch = await stack.enter_async_context(watching(settings))
        database = await stack.enter_async_context(opened_database(settings))
        database.count = watch.metrics.count
        bell, me = await _ringing(stack, database)
        store = await shared_store(settings, database)
        crew = await make_worker(
            settings, database, bell, store, me, machine(settings), watch.traces
        )
        await _working(stack, crew)
        watch.look_at(database, bell, crew.how)
        shown = None
        if metrics:
            shown = await stack.enter_async_context(showing(watch, *metrics))
        announce(", ".join(backend.name for backend in settings.backends), shown)
        return await stop.asked()


async def _ringing(stack: AsyncExitStack, database: Database) -> tuple[Bell, UUID]:
    """A bell that rings until the stack is unwound, and who this process is."""
    me = uuid4()
    bell = Bell(database, str(me))
    await bell.start()
    stack.push_async_callback(bell.stop)
    return bell, me


async def _working(stack: AsyncExitStack, crew: Worker) -> None:
    await crew.start()
    stack.push_async_callback(crew.stop)


async def migrate(settings: Settings) -> list[str]:
    """Bring the schema up to date; returns the migrations applied now."""
    async with bare_database(settings) as database:
        return await apply_migrations(database)


def _app(settings: Settings, gateway: Gateway, keyring: Keyring, watch: Watch) -> FastAPI:
    return create_app(
        gateway,
        keyring,
        public_url=settings.server.public_url,
        limits=settings.order_limits(),
        max_body=int(settings.server.max_body),
        watcher=watch.metrics,
    )


async def _refuse_open_door(host: str, keyring: Keyring) -> None:
    """While there are no keys, whoever reaches the port may do everything."""
    if is_loopback(host) or await keyring.guarded():
        return
    raise SettingsError(
        f"server.host: {host} can be reached from elsewhere, and there are no API keys yet. "
        "Make one with `safelight keys create --scope admin`, then start again; "
        'or use "127.0.0.1".'
    )


class _Stop:
    """Waits for the signal that ends this process."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._number: asyncio.Future[int] = loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._asked, number)

    def _asked(self, number: int) -> None:
        if not self._number.done():
            self._number.set_result(number)

    async def asked(self) -> int:
        """The signal, when it has come."""
        return await self._number
