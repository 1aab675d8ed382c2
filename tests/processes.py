"""The real programs as processes, for stories, chaos and the HTTP tests."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

QUICK = Path(__file__).parent / "workflows" / "quick.json"


@dataclass
class Process:
    """One running program; `lines` is what it has printed so far."""

    popen: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _new: queue.Queue[str] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.lines.append(line.rstrip("\n"))
            self._new.put(line.rstrip("\n"))

    def line_with(self, text: str, seconds: float = 60) -> str:
        """The first new line that has `text` in it."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                line = self._new.get(timeout=min(left, 0.5))
            except queue.Empty:
                if self.popen.poll() is not None:
                    break
                continue
            if text in line:
                return line
        told = "\n".join(self.lines[-40:])
        raise AssertionError(f"no line with {text!r}; exit {self.popen.poll()}, said:\n{told}")

    def lines_with(self, text: str) -> int:
        """How many of the lines so far have `text` in them."""
        return sum(text in line for line in self.lines)

    def end_of_lines(self) -> None:
        """Until all it has printed is read; it has ended."""
        self._reader.join(10)

    def kill(self) -> None:
        """kill -9."""
        self.popen.kill()
        self.popen.wait()

    def stop(self, number: int = signal.SIGTERM, seconds: float = 15) -> int:
        """Ask it to stop; its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        return self.popen.wait(seconds)


@dataclass
class Serving:
    """A running `serve`."""

    process: Process
    url: str

    def described(self, found: object) -> str:
        """What was found instead, what the backends are said to be, what was logged last."""
        said = "\n".join(self.process.lines[-40:])
        return f"{found}\n{self.get('/v1/backends')}\n{said}"

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def read(self, path: str) -> bytes:
        """The bytes at a path, or at one of our own absolute links."""
        link = path if path.startswith("http") else self.url + path
        with urllib.request.urlopen(link, timeout=30) as answer:
            body: bytes = answer.read()
            return body

    def post(
        self, path: str, body: object, headers: Mapping[str, str] | None = None, wait: int = 0
    ) -> Any:
        """POST JSON, answer JSON."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        if wait:
            sent["Prefer"] = f"wait={wait}"
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), sent)
        with urllib.request.urlopen(request, timeout=wait + 30) as answer:
            return json.load(answer)

    def order(self, quantity: int = 4, wait: int = 60, **fields: object) -> Any:
        """Order a batch of the test character; the batch as it is when it ended."""
        body = {"user": "ann", "character": "mira", "prompt": "on a beach", **fields}
        return self.post("/v1/batches", {**body, "quantity": quantity}, wait=wait)


class Processes:
    """Starts programs with one home and one database; everything on loopback."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.home = home
        self.database_url = database_url
        self.characters = {"mira": "Mira", "opal-fever": "Opal Fever"}
        self.workflow = "quick"
        self._all: list[Process] = []

    def start(
        self, *arguments: str, environ: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Process:
        """`safelight ARGUMENTS`."""
        return self.spawn([sys.executable, "-m", "safelight", *arguments], environ, cwd)

    def spawn(
        self,
        command: Sequence[str],
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Process:
        """Any command, with the same environment."""
        popen = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=cwd or self.home,
            env={**os.environ, **self.environ(), **(environ or {})},
        )
        process = Process(popen)
        self._all.append(process)
        return process

    def environ(self) -> dict[str, str]:
        """What every process is started with."""
        database = {"SAFELIGHT_DATABASE_URL": self.database_url} if self.database_url else {}
        return {
            **database,
            "SAFELIGHT_HOME": str(self.home / "state"),
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
            "COLUMNS": "160",
        }

    def simulate(self, *arguments: str, port: int = 0, seconds: float = 0.05) -> Simulating:
        """A simulated ComfyUI."""
        command = [sys.executable, "-m", "safelight.simulator", "--port", str(port)]
        command += ["--seconds", str(seconds), "--home", str(self.home), *arguments]
        process = self.spawn(command)
        line = process.line_with("ready ")
        urls = [word for word in line.split() if word.startswith("http")]
        return Simulating(process, urls[0])

    def serve(
        self,
        backends: Sequence[str] = (),
        *arguments: str,
        config: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> Serving:
        """`serve` on a free port, with these backends and the characters on its workflow."""
        self.configure(backends, config)
        process = self.start("serve", "--port", "0", *arguments, environ=environ)
        line = process.line_with("http://")
        url = next(word for word in line.split() if word.startswith("http://"))
        serving = Serving(process, url.rstrip(".,"))
        wait_until_ready(serving)
        return serving

    def configure(self, backends: Sequence[str], config: str = "") -> Path:
        """Write safelight.toml into the working folder."""
        text = "".join(
            f'[[backends]]\nname = "b{n}"\nurl = "{url}"\n' for n, url in enumerate(backends, 1)
        )
        text += f'[workflows.quick]\nfile = "{QUICK}"\n'
        for id, name in self.characters.items():
            text += f'[characters.{id}]\nname = "{name}"\nworkflow = "{self.workflow}"\n'
        path = self.home / "safelight.toml"
        path.write_text(text + config)
        path.chmod(0o600)  # the doctor says so where it may hold secrets
        return path

    def stop_all(self) -> None:
        """End everything that was started here."""
        for process in reversed(self._all):
            if process.popen.poll() is None:
                process.popen.terminate()
        for process in self._all:
            try:
                process.popen.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            if process.popen.stdout:
                process.popen.stdout.close()


@dataclass
class Simulating:
    """A running simulator."""

    process: Process
    url: str

    def renderings(self) -> list[dict[str, Any]]:
        """What began to run there, oldest first."""
        with urllib.request.urlopen(f"{self.url}/simulator/renderings", timeout=30) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found

    def fault(self, name: str, probability: float) -> None:
        """From now on this fault strikes with this probability."""
        body = json.dumps({name: probability}).encode()
        request = urllib.request.Request(f"{self.url}/simulator/faults", body, method="POST")
        self._through(request)

    def struck(self, name: str) -> int:
        """How often a fault has struck."""
        told: dict[str, int] = self._through(urllib.request.Request(f"{self.url}/simulator/faults"))
        return told[name]

    def _through(self, request: urllib.request.Request) -> Any:
        until = time.monotonic() + 20
        while True:  # it may be refusing connections just now
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.loads(answer.read() or b"null")
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)


def wait_until_ready(serving: Serving, seconds: float = 30) -> None:
    """Until /readyz says 200."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            serving.get("/readyz")
        except (urllib.error.URLError, ConnectionError) as away:
            if isinstance(away, urllib.error.HTTPError):
                away.close()
            time.sleep(0.05)
        else:
            return
    raise AssertionError("not ready: " + "\n".join(serving.process.lines[-30:]))


def until_ended(serving: Serving, id: str, seconds: float = 90) -> Any:
    """The batch when it has ended."""
    until = time.monotonic() + seconds
    batch = None
    while time.monotonic() < until:
        try:
            batch = serving.get(f"/v1/batches/{id}")
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            error.close()
            time.sleep(0.2)
            continue
        if batch["status"] not in ("queued", "running"):
            return batch
        time.sleep(0.05)
    raise AssertionError(serving.described(batch))
