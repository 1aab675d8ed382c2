"""Machines that are network namespaces: each with its own address, loopback and cable.

They hang on one bridge, which lies in a namespace of its own, so that nothing of it is seen from
outside. Whatever runs in them is ended, and they are removed, also when a test fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

_ASK = """
import sys, urllib.request
url, body = sys.argv[1], sys.argv[2].encode() or None
request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
with urllib.request.urlopen(request, timeout=30) as answer:
    sys.stdout.buffer.write(answer.read())
"""


def ip(*words: str) -> None:
    """`ip WORDS`; what it complains of is in the error."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


class Machine:
    """One namespace with an address, and what runs in it."""

    def __init__(self, network: Network, name: str, number: int) -> None:
        self.space = network.space(name)
        self.address = f"10.77.0.{number}"
        self._network = network
        self._port = f"port{number}"

    def start(self, *command: str, log: Path, **how: Any) -> subprocess.Popen[bytes]:
        """Run a command in it, until the network is taken down; its words go to `log`."""
        with log.open("ab") as words:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.space, *command],
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                **how,
            )
        self._network.undo.callback(_end, process)
        return process

    def ask(self, url: str, body: object = None) -> Any:
        """GET or POST JSON from within."""
        said = self.read(url, body)
        return json.loads(said) if said else None

    def read(self, url: str, body: object = None) -> bytes:
        """The bytes at a url as it is seen from within."""
        sent = "" if body is None else json.dumps(body)
        command = ["ip", "netns", "exec", self.space, sys.executable, "-S", "-c", _ASK, url, sent]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        if done.returncode != 0:
            raise ConnectionError(done.stderr.decode()[-300:])
        return done.stdout

    def until_it_answers(self, url: str, seconds: float = 60) -> None:
        """Until a url answers from within."""
        until = time.monotonic() + seconds
        while True:
            try:
                self.read(url)
                return
            except ConnectionError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.1)

    def cut(self) -> None:
        """Pull its cable."""
        ip("-n", self._network.switch, "link", "set", self._port, "down")

    def mend(self) -> None:
        """Plug it in again."""
        ip("-n", self._network.switch, "link", "set", self._port, "up")


class Network:
    """Machines by name on one bridge. A context: all is gone afterwards."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self.undo = ExitStack()
        self.switch = ""

    def __enter__(self) -> Mapping[str, Machine]:
        try:
            self.switch = self.space("switch")
            ip("-n", self.switch, "link", "add", "bridge0", "type", "bridge")
            ip("-n", self.switch, "link", "set", "bridge0", "up")
            return {name: self._plug_in(name, n) for n, name in enumerate(self._names, 1)}
        except BaseException:
            self.undo.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.undo.close()

    def space(self, name: str) -> str:
        """A new namespace with a loopback."""
        space = f"safelight-{os.getpid()}-{name}"
        ip("netns", "add", space)
        self.undo.callback(ip, "netns", "delete", space)
        ip("-n", space, "link", "set", "lo", "up")
        return space

    def _plug_in(self, name: str, number: int) -> Machine:
        machine = Machine(self, name, number)
        port, space = f"port{number}", machine.space
        ends = ["link", "add", port, "type", "veth", "peer", "name", "cable0", "netns", space]
        ip("-n", self.switch, *ends)
        ip("-n", self.switch, "link", "set", port, "master", "bridge0", "up")
        ip("-n", space, "address", "add", f"{machine.address}/24", "dev", "cable0")
        ip("-n", space, "link", "set", "cable0", "up")
        return machine


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
