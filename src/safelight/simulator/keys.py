"""How a handler finds the server it belongs to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from safelight.simulator.server import Server

AnyHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SERVER: web.AppKey[Server] = web.AppKey("SERVER")


def server_of(request: web.Request) -> Server:
    """The server this request reached."""
    return request.app[SERVER]
