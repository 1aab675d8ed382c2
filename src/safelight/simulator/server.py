"""One port: the listening socket, and the lives that follow one another behind it."""

from __future__ import annotations

import asyncio
import logging
from threading import Event

from aiohttp import web

from safelight.simulator.app import SERVER, application
from safelight.simulator.catalog import catalog_of
from safelight.simulator.faults import Faults
from safelight.simulator.folders import Folders
from safelight.simulator.life import Life
from safelight.simulator.models import models_of
from safelight.simulator.options import Options
from safelight.simulator.renderings import Renderings
from safelight.simulator.sockets import reset
from safelight.simulator.studio import Studio

AWAY = 1.0  # seconds that a restart or a refusal lasts

# errors inside a handler become a 500, as there; their tracebacks help nobody
SILENT = logging.getLogger("safelight.simulator.http")
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


class Server:
    """A simulated ComfyUI on one port."""

    life: Life
    folders: Folders
    renderings: Renderings

    def __init__(self, options: Options, place: int) -> None:
        self.options = options
        self.models = models_of(options.lab)
        self.catalog = catalog_of(self.models, options.lab, options.models_any)
        seed = None if options.seed is None else f"{options.seed} {place}"
        self.faults = Faults(options.faults, seed)
        self.port = options.port + place if options.port else 0
        self.ended = asyncio.Event()  # a prompt ended the process, as some do there
        self._runner = web.AppRunner(
            application(),
            handle_signals=False,
            access_log=None,
            logger=SILENT,
            shutdown_timeout=0.1,
        )
        self._runner.app[SERVER] = self
        self._listener: asyncio.Server | None = None
        self._comebacks: set[asyncio.Task[None]] = set()
        self._coming_back = asyncio.Lock()  # two faults at once make one comeback

    @property
    def url(self) -> str:
        """Where it is reached."""
        host = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen; OSError when the port cannot be had."""
        await self._runner.setup()
        await self._listen()
        self.folders = Folders.under(self.options.home, self.port, self.options.output)
        self.folders.prepare()
        self.renderings = Renderings(self.folders.renderings)
        self._be_born()

    async def close(self) -> None:
        """End as Ctrl-C ends it: no word on the sockets, temp wiped, running prompts dropped."""
        for comeback in self._comebacks:
            comeback.cancel()
        self._stop_listening()
        self._reset_connections()
        self.life.die()
        await self.life.gone()
        await self._runner.cleanup()
        self.folders.wipe_temp()

    def strike(self, fault: str) -> None:
        """Carry out a fault that concerns the whole server."""
        if fault == "drop-websocket":
            self.life.sockets.drop()
        elif fault == "deaf-websocket":
            self.life.sockets.deafen()
        else:
            self._stop_listening()
            if fault == "restart":
                self._reset_connections()
                self.life.die()
            comeback = asyncio.create_task(self._come_back(reborn=fault == "restart"))
            self._comebacks.add(comeback)
            comeback.add_done_callback(self._comebacks.discard)

    async def _come_back(self, reborn: bool) -> None:
        if reborn:
            await self.life.gone()
            self._be_born()
        await asyncio.sleep(AWAY)
        async with self._coming_back:
            while self._listener is None:
                await self._listen_again()

    async def _listen_again(self) -> None:
        try:
            await self._listen()
        except OSError:
            await asyncio.sleep(AWAY / 10)  # somebody took the port while it was free

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        protocol = self._runner.server
        assert protocol is not None
        self._listener = await loop.create_server(
            protocol, self.options.host, self.port, backlog=512, reuse_address=True
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _reset_connections(self) -> None:
        server = self._runner.server
        for connection in list(server.connections) if server is not None else ():
            if isinstance(connection.transport, asyncio.Transport):
                reset(connection.transport)

    def _be_born(self) -> None:
        loop = asyncio.get_running_loop()
        studio = Studio(
            catalog=self.catalog,
            folders=self.folders,
            faults=self.faults,
            seconds=self.options.seconds,
            steps=self.options.steps,
            lab=self.options.lab,
            lab_scale=self.options.lab_scale,
            gone=Event(),
            strike=lambda fault: _from_thread(loop, self, fault),
        )
        self.life = Life(studio, self.renderings, self.ended.set)


def _from_thread(loop: asyncio.AbstractEventLoop, server: Server, fault: str) -> None:
    loop.call_soon_threadsafe(server.strike, fault)
