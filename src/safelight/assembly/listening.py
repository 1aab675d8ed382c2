"""Ports: a socket that listens, and HTTP answered there until somebody stops it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from safelight.core.errors import SettingsError

STALLED_AFTER: Final = 30.0  # s
_UNSENT: Final = 131_072  # bytes of a connection that the kernel takes beyond what is on its way


def listen(
    host: str,
    port: int,
    told_by: str = "server.port (or --port)",
    stalled_after: float = STALLED_AFTER,
) -> socket.socket:
    """A socket that listens; port 0 is a free one.

    Who takes nothing for `stalled_after` seconds is dropped. Raises `SettingsError`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, because asyncio turns off Nagle's algorithm only where the protocol is.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        # Connections have it from here: the kernel resets one whose other side takes nothing for so
        # long, and with it goes what was still to be sent. uvicorn would wait for ever.
        limit = round(stalled_after * 1_000)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limit)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # likewise
        # What waits in the kernel, megabytes else, would count as taken, and fill its memory.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror}. Set {told_by} to a free one."
        ) from None
    listening.listen(1024)
    listening.setblocking(False)
    return listening


def address_of(host: str, listening: socket.socket) -> str:
    """The URL under which it is reached."""
    named = f"[{host}]" if ":" in host else host
    return f"http://{named}:{listening.getsockname()[1]}"


@asynccontextmanager
async def answering(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    """HTTP on this socket, on this loop."""
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


class _Server(uvicorn.Server):
    """Signals are ours: uvicorn would take them and stop before the worker has let go."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
