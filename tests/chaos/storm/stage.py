"""The system under the storm: its processes, and a supervisor that starts them again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.chaos.storm.plan import BACKENDS, WORKERS
from tests.processes import QUICK
from tests.wire import Wire

PORTRAIT = Path(__file__).parents[3] / "src" / "safelight" / "cli" / "portrait.json"
RENDERING = 0.8  # s a picture takes
_GRACE = 12.0  # s until what was asked to stop is killed


@dataclass
class Child:
    """One process that is started again whenever it ends."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    folder: Path
    life: int = 0  # how often it was started
    pause: float = 0.5  # s until it is started again
    crashes: list[str] = field(default_factory=list)  # ends that nobody had ordered
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)  # one strike at a time
    process: asyncio.subprocess.Process | None = None
    _ordered: bool = False

    @property
    def log(self) -> Path:
        """What all its lives have printed."""
        return self.folder / "logs" / f"{self.name}.log"

    async def keep(self) -> None:
        """Run it, for ever."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        while True:
            self._ordered = False
            with self.log.open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(
                    *self.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    env=self.environ,
                    start_new_session=True,  # Ctrl-C is for the storm alone
                )
            self.life += 1
            code = await self.process.wait()
            if not self._ordered:
                self.crashes.append(f"{self.name} ended by itself with {code}")
            await asyncio.sleep(self.pause)

    def kill(self, pause: float) -> bool:
        """kill -9; false if it is just not running."""
        if self.process is None or self.process.returncode is not None:
            return False
        self._ordered, self.pause = True, pause
        self.process.kill()
        return True

    def send(self, number: signal.Signals) -> bool:
        """Send it a signal; false if it is just not running."""
        if self.process is None or self.process.returncode is not None:
            return False
        self.process.send_signal(number)
        return True


class Stage:
    """Everything that runs, in one folder."""

    def __init__(self, folder: Path, seed: int) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.port = free_port()
        ports = [free_port() for _ in range(BACKENDS)]
        self.wires = [Wire(port) for port in ports]
        self.api = self._safelight("api", "serve", "--no-worker", "--port", str(self.port))
        self.workers = [self._safelight(f"worker-{n}", "work") for n in range(1, WORKERS + 1)]
        self.simulators = [self._simulator(n, port, seed) for n, port in enumerate(ports)]
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """Of the API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def children(self) -> list[Child]:
        """All of them."""
        return [self.api, *self.workers, *self.simulators]

    @property
    def pid_file(self) -> Path:
        """Where PostgreSQL says who it is."""
        return self.folder / "state" / "postgres" / "cluster" / "postmaster.pid"

    def output(self, backend: int) -> Path:
        """Where a simulator saves; its recordings lie beside."""
        return self.folder / f"b{backend + 1}" / "output"

    async def start(self) -> None:
        """Start everything; it may take a moment until it answers."""
        for wire in self.wires:
            await wire.start()
        self._configure()
        for child in self.children:
            self._keepers.append(asyncio.create_task(child.keep(), name=child.name))

    async def stop(self) -> list[str]:
        """End everything, politely first; what had to be killed, which should be nothing."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.resume()
        for child in self.children:
            child.send(signal.SIGTERM)
        await self._until_gone()
        for wire in self.wires:
            await wire.close()
        return self._sweep()

    def processes(self) -> list[psutil.Process]:
        """Everything that works in our folder, PostgreSQL with it."""
        return [process for process in psutil.process_iter(["name"]) if self._is_ours(process)]

    async def _until_gone(self) -> None:
        waits = [
            asyncio.create_task(child.process.wait()) for child in self.children if child.process
        ]
        if waits:
            _, late = await asyncio.wait(waits, timeout=_GRACE)
            for child in self.children:
                child.send(signal.SIGKILL)
            await asyncio.gather(*late)

    def _sweep(self) -> list[str]:
        """Whatever still works in our folder: PostgreSQL, if the last user could not stop it."""
        left = self.processes()
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=5)
        return [process.info["name"] for process in left]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            place = Path(process.cwd())
            return process.pid != os.getpid() and self.folder in (place, *place.parents)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return False

    def _configure(self) -> None:
        text = "".join(
            f'[[backends]]\nname = "b{n}"\nurl = "{wire.url}"\n'
            for n, wire in enumerate(self.wires, 1)
        )
        text += f'[workflows.quick]\nfile = "{QUICK}"\n'
        text += f'[workflows.portrait]\nfile = "{PORTRAIT}"\n'
        text += '[characters.mira]\nworkflow = "quick"\n'
        text += '[characters.opal-fever]\nworkflow = "portrait"\n'
        (self.folder / "safelight.toml").write_text(text)

    def _safelight(self, name: str, *arguments: str) -> Child:
        return self._child(name, "safelight", *arguments)

    def _simulator(self, place: int, port: int, seed: int) -> Child:
        options = {
            "--port": port,
            "--home": self.folder,
            "--output": self.output(place),
            "--seconds": RENDERING,
            "--seed": seed + place,
        }
        words = [str(word) for option in options.items() for word in option]
        return self._child(f"simulator-{place + 1}", "safelight.simulator", *words)

    def _child(self, name: str, module: str, *arguments: str) -> Child:
        environ = {key: value for key, value in os.environ.items() if key[:10] != "SAFELIGHT_"}
        environ |= {"SAFELIGHT_HOME": str(self.folder / "state"), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", module, *arguments]
        return Child(name, command, environ, self.folder)


def free_port() -> int:
    """A port nobody listens on; below those that the system gives to clients."""
    for port in range(20_000 + time.time_ns() // 1000 % 10_000, 32_000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")
