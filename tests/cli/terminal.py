"""Command lines as a person or a script types them: real processes, no runner in between."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import QUICK

SECONDS = 120  # a machine that runs all tests at once is slow


@dataclass(frozen=True)
class Said:
    """What a finished command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """stdout, which is one JSON document."""
        return json.loads(self.out)

    def assert_failed(self, code: int, *words: str) -> None:
        """It ended with that code, said these words in one clear error, printed no result."""
        assert self.code == code, self
        assert self.err.startswith("error: "), self.err
        assert "Traceback" not in self.err
        assert self.out == ""
        for word in words:
            assert word in self.err


@dataclass
class Shell:
    """Where commands are typed: a working folder, a home, variables."""

    folder: Path
    environ: dict[str, str]

    def configure(self, *backends: str, more: str = "") -> None:
        """Write a safelight.toml with these backends, a character `mira`, and a free port."""
        text = "".join(
            f'[[backends]]\nname = "pod-{n}"\nurl = "{url}"\n' for n, url in enumerate(backends, 1)
        )
        text += f'[workflows.quick]\nfile = "{QUICK}"\n'
        text += '[characters.mira]\nname = "Mira"\nworkflow = "quick"\n'
        server = f"[server]\nport = {free_port()}\n"
        (self.folder / "safelight.toml").write_text(server + text + more)

    def type(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Said:
        """`safelight ARGUMENTS`, to its end."""
        running = self.start(*arguments, environ=environ)
        out, err = running.communicate(timeout=SECONDS)
        return Said(running.returncode, out, err)

    def start(
        self, *arguments: str, environ: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """`safelight ARGUMENTS`, running."""
        return subprocess.Popen(
            [sys.executable, "-m", "safelight", *arguments],
            cwd=self.folder,
            env=self._environ(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def show(self, *arguments: str, columns: int = 110) -> str:
        """What `safelight ARGUMENTS` shows on a terminal of its own, escape codes included."""
        parent, child = pty.openpty()
        environ = {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "40"}
        running = subprocess.Popen(
            [sys.executable, "-m", "safelight", *arguments],
            cwd=self.folder,
            env=self._environ(environ),
            stdin=child,
            stdout=child,
            stderr=child,
        )
        os.close(child)
        seen = _read_to_the_end(parent)
        running.wait(SECONDS)
        return seen

    def _environ(self, more: Mapping[str, str] | None) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "TERM")}
        return {**kept, **self.environ, **(more or {})}


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return int(asking.getsockname()[1])


def interrupt_after(running: subprocess.Popen[str], text: str, number: int = signal.SIGINT) -> Said:
    """Send a signal as soon as a line of stderr has that text; the command's end."""
    assert running.stderr is not None
    lines: list[str] = []
    impatience = threading.Timer(SECONDS, running.kill)
    impatience.start()
    for line in running.stderr:
        lines.append(line)
        if text in line:
            running.send_signal(number)
            break
    out, err = running.communicate(timeout=SECONDS)
    impatience.cancel()
    return Said(running.returncode, out, "".join(lines) + err)


def _read_to_the_end(parent: int) -> str:
    pieces: list[bytes] = []
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        ready, _, _ = select.select([parent], [], [], 1.0)
        try:
            piece = os.read(parent, 65_536) if ready else b"-"
        except OSError:  # Linux: nobody has the other end open any more
            break
        if ready:
            pieces.append(piece)
    os.close(parent)
    return b"".join(pieces).decode()
