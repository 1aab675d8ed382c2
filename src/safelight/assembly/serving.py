"""What runs: API and worker in one process, or a worker alone, until somebody stops it."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import uvicorn

from safelight.api.app import create_app
from safelight.assembly.descriptors import many_files
from safelight.assembly.memory import few_arenas, settle_down
from safelight.assembly.parts import (
    bare_database,
    make_gateway,
    make_worker,
    opened_database,
)
from safelight.assembly.sharing import machine, shared_store
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
    listening = _listen(host, port, settings.server.stalled_after)
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        database = await stack.enter_async_context(opened_database(settings))
        keyring = Keyring(database)
        await _refuse_open_door(host, keyring)
        bell, me = await _ringing(stack, database)
        store = await shared_store(settings, database)
        crew = None
        if worker:
            crew = await make_worker(settings, database, bell, store, me, machine(settings))
            await _working(stack, crew)
        gateway = make_gateway(settings, database, bell, store, crew)
        await stack.enter_async_context(_http(settings, gateway, keyring, listening))
        stack.push_async_callback(gateway.stop)
        settle_down()
        here = f"http://{_bracketed(host)}:{listening.getsockname()[1]}"
        yield Running(here, keyring.own)


async def serve(settings: Settings, *, worker: bool, announce: Callable[[str], None]) -> int:
    """API and, unless told otherwise, worker, until SIGTERM or SIGINT; returns which it was."""
    stop = _Stop()
    async with running(settings, worker=worker) as here:
        announce(here.url)
        return await stop.asked()


async def work(settings: Settings, *, announce: Callable[[str], None]) -> int:
    """A worker only, which opens no port, until SIGTERM or SIGINT; returns which it was."""
    few_arenas()
    stop = _Stop()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(opened_database(settings))
        bell, me = await _ringing(stack, database)
        store = await shared_store(settings, database)
        crew = await make_worker(settings, database, bell, store, me, machine(settings))
        await _working(stack, crew)
        announce(", ".join(backend.name for backend in settings.backends))
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


@asynccontextmanager
async def _http(
    settings: Settings, gateway: Gateway, keyring: Keyring, listening: socket.socket
) -> AsyncIterator[None]:
    app = create_app(
        gateway,
        keyring,
        public_url=settings.server.public_url,
        limits=settings.order_limits(),
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
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listening]), name="http")
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def _refuse_open_door(host: str, keyring: Keyring) -> None:
    """While there are no keys, whoever reaches the port may do everything."""
    if is_loopback(host) or await keyring.guarded():
        return
    raise SettingsError(
        f"server.host: {host} can be reached from elsewhere, and there are no API keys yet. "
        "Make one with `safelight keys create --scope admin`, then start again; "
        'or use "127.0.0.1".'
    )


class _Server(uvicorn.Server):
    """Signals are ours: uvicorn would take them and stop before the worker has let go."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int, stalled_after: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, because asyncio turns off Nagle's algorithm only where the protocol is.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        # Connections have it from here: the kernel resets one whose other side takes nothing for so
        # long, and with it goes what was still to be sent. uvicorn would wait for ever.
        limit = round(stalled_after * 1_000)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limit)
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


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
