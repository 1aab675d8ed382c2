"""A small pooler before PostgreSQL: it hands out its sessions, whole or for one transaction each.

It speaks just enough of the protocol: a startup without password, then messages both ways until a
ReadyForQuery says that no transaction is open and every Sync and Query has been answered.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

_SSL_REQUEST = 80877103
_TERMINATE, _QUERY, _SYNC, _READY = b"X", b"Q", b"S", b"Z"
_NO_TRANSACTION = b"I"


class Ended(ConnectionError):
    """One side has gone."""


class Wire:
    """Whole messages over a socket: kind and all bytes."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._buffer = b""

    def receive(self) -> Iterator[tuple[bytes, bytes]]:
        """Wait for bytes; the messages that are whole then."""
        data = self.socket.recv(65536)
        if not data:
            raise Ended
        self._buffer += data
        while len(self._buffer) >= 5:
            length = 1 + int(struct.unpack("!i", self._buffer[1:5])[0])
            if len(self._buffer) < length:
                return
            whole, self._buffer = self._buffer[:length], self._buffer[length:]
            yield whole[:1], whole

    def startup(self) -> bytes:
        """The first message, which has no kind; a wish for TLS is declined."""
        while True:
            length = struct.unpack("!i", self.socket.recv(4, socket.MSG_WAITALL))[0]
            body = self.socket.recv(length - 4, socket.MSG_WAITALL)
            if struct.unpack("!i", body[:4])[0] != _SSL_REQUEST:
                return struct.pack("!i", length) + body
            self.socket.sendall(b"N")


class Pooler:
    """Listens on loopback. `servers` sessions are shared out: with `lifo` the one that was idle
    last, else the one that was idle longest; with `whole_sessions` a client keeps its own."""

    def __init__(
        self, target: str, *, servers: int = 4, lifo: bool = True, whole_sessions: bool = False
    ) -> None:
        self._target = target
        self._servers = servers
        self._lifo = lifo
        self._whole_sessions = whole_sessions
        self._hello = b""
        self._idle: deque[Wire] = deque()
        self._some_idle = threading.Condition()
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Cut everything."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._accepting.join(10)
        self._listening.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(Wire(client),), daemon=True).start()

    def _serve(self, client: Wire) -> None:
        own: Wire | None = None
        try:
            startup = client.startup()
            if self._whole_sessions:
                own = self._connect(startup)
            with self._some_idle:
                while own is None and self._servers > 0:
                    self._servers -= 1
                    self._idle.append(self._connect(startup))
            client.socket.sendall(self._hello)
            while True:
                first = [whole for _, whole in client.receive()]
                self._converse(client, own or self._next(), first)
        except (OSError, struct.error):
            client.socket.close()
            if own:
                own.socket.close()

    def _connect(self, startup: bytes) -> Wire:
        server = Wire(socket.socket(socket.AF_UNIX))
        self._open.append(server.socket)
        server.socket.connect(self._target)
        server.socket.sendall(startup)
        hello = b""
        while not hello.endswith(_READY + b"\0\0\0\5" + _NO_TRANSACTION):
            hello += b"".join(whole for _, whole in server.receive())
        self._hello = hello
        return server

    def _next(self) -> Wire:
        with self._some_idle:
            while not self._idle:
                self._some_idle.wait(10)
            return self._idle.pop() if self._lifo else self._idle.popleft()

    def _converse(self, client: Wire, server: Wire, first: list[bytes]) -> None:
        """Until no transaction is open and nothing is unanswered; then the server is idle."""
        unanswered = self._pass_on(server, first)
        while True:
            readable, _, _ = select.select([client.socket, server.socket], [], [], 30)
            if client.socket in readable:
                unanswered += self._pass_on(server, [whole for _, whole in client.receive()])
            if server.socket not in readable:
                continue
            said = list(server.receive())
            ready = [whole[-1:] for kind, whole in said if kind == _READY]
            unanswered -= len(ready)
            over = bool(ready) and ready[-1] == _NO_TRANSACTION and unanswered == 0
            if over and not self._whole_sessions:
                with self._some_idle:
                    self._idle.append(server)
                    self._some_idle.notify()
            client.socket.sendall(b"".join(whole for _, whole in said))
            if over:
                return

    @staticmethod
    def _pass_on(server: Wire, messages: list[bytes]) -> int:
        """How many of them will be answered by a ReadyForQuery."""
        if any(whole[:1] == _TERMINATE for whole in messages):
            raise Ended
        server.socket.sendall(b"".join(messages))
        return sum(whole[:1] in (_QUERY, _SYNC) for whole in messages)
