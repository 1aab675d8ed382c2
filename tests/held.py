"""A wire that can be held: a TCP relay on loopback that keeps back what is sent on it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class HeldWire:
    """Relays connections to a server. While `hold()` is on, requests that begin with `verb` stay on
    the wire, and reach the server on `release()`, even where the sender is long gone."""

    def __init__(self, url: str, verb: bytes = b"POST /prompt") -> None:
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 80))
        self._verb = verb
        self._free = threading.Event()
        self._free.set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listening]
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.held = 0
        """How many requests have been kept back so far."""
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self) -> None:
        """From now on such requests are kept back."""
        self._free.clear()

    def let_pass(self) -> threading.Event:
        """New ones pass again; those kept back so far go on when the returned event is set."""
        kept, self._free = self._free, threading.Event()
        self._free.set()
        return kept

    def close(self) -> None:
        """Cut everything."""
        self._free.set()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                self._sockets.append(near)
                far = socket.create_connection(self._target)
                self._sockets.append(far)
                for pair in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._relay, args=pair, daemon=True).start()

    def _relay(self, source: socket.socket, target: socket.socket, forth: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                free = self._free
                if forth and data.startswith(self._verb) and not free.is_set():
                    self.held += 1
                    free.wait()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
