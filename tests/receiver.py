"""Whoever is told by webhooks: a real HTTP server on loopback that does as a test wishes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Message:
    """One request that came; header names are lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """What a receiver knows a repetition by."""
        return self.headers["webhook-id"]

    @property
    def batch(self) -> str:
        """Whose event it is."""
        return self.id.partition(":")[0]

    @property
    def number(self) -> int:
        """Of the event."""
        return int(self.id.partition(":")[2])

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    @property
    def type(self) -> str:
        """The event's name."""
        return str(self.json["type"])

    def verified(self, secret: str) -> Any:
        """The body, if the Standard Webhooks library says that it is ours."""
        return Webhook(secret).verify(self.body, dict(self.headers))


# What to answer: a status and headers. It may wait.
Behaviour = Callable[[Message], tuple[int, Mapping[str, str]]]


def welcome(_: Message) -> tuple[int, Mapping[str, str]]:
    """Takes everything."""
    return 204, {}


@dataclass
class Receiver:
    """Listens on a free port, and again on the same one after `close`."""

    behave: Behaviour = welcome
    port: int = 0
    messages: list[Message] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    def open(self) -> Receiver:
        """Listen from now on."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                message = Message(self.path, headers, body)
                receiver.messages.append(message)
                status, more = receiver.behave(message)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                """Whoever was killed while it was answered."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def close(self) -> None:
        """Be down."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        """Where to send."""
        return f"http://127.0.0.1:{self.port}/hook"

    def of(self, batch: str) -> list[Message]:
        """What came of a batch."""
        return [message for message in list(self.messages) if message.batch == batch]
