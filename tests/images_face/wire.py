"""A line between a client and a server that can be cut, held, and led to another server."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit


class Line:
    """Listens on a port of loopback and passes bytes to a server and back.

    While `open` is cleared, new connections wait.
    """

    def __init__(self, server: str) -> None:
        self.open = threading.Event()
        self.open.set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.lead_to(server)

    def lead_to(self, server: str) -> None:
        """From now on new connections go there."""
        parts = urlsplit(server)
        self._target = (str(parts.hostname), int(parts.port or 80))

    def cut(self) -> None:
        """Every connection breaks, at both ends."""
        ends, self._ends = self._ends, []
        for end in ends:
            _hang_up(end)

    def __enter__(self) -> Line:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.open.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        self.open.wait()
        far = socket.socket()
        self._ends += [near, far]
        try:
            far.connect(self._target)
        except OSError:
            _hang_up(near)
            return
        threading.Thread(target=_pass, args=(far, near), daemon=True).start()
        _pass(near, far)


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
    _hang_up(source)
    _hang_up(target)


def _hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
