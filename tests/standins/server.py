"""What all stand-ins have in common: a server in a thread, accidents on order, an account."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import unquote, urlsplit

BODY_MAX = 200 * 2**20  # bytes

# Accidents, by how often they are still to happen; those with a time or an offset keep a number.
COUNTED = (
    *("error", "reset", "html", "huge", "wrong", "slow", "redirect"),  # instead of doing anything
    *("lost", "lost-reset"),  # after it was done
    *("damaged", "forged", "unsigned"),
)
LASTING = ("limited", "retry_after", "limit_status", "skew", "slowness")


@dataclass
class Answer:
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def told(value: object, status: int = 200, **headers: str) -> Answer:
    """JSON."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **named})


@dataclass
class Request:
    """What came."""

    method: str
    path: str  # decoded
    headers: Mapping[str, str]
    body: bytes


class StandIn:
    """A server on loopback. Subclasses answer requests; everything here is safe between threads."""

    kind: ClassVar[str]
    limited_status: ClassVar[int] = 429

    def __init__(self, port: int = 0) -> None:
        self.lock = threading.RLock()
        self.orders: dict[str, float] = {}  # accidents still to happen
        self.struck: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()  # by method
        self.limited_until = 0.0
        owner = self

        class Handler(_Handler):
            standin = owner

        self._server = _Server(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: Request) -> Answer:
        """What the real one would say; `strikes` where it is to have an accident in between."""
        raise NotImplementedError

    def listed(self) -> list[dict[str, Any]]:
        """What lies there."""
        raise NotImplementedError

    def wrong(self) -> object:
        """Its usual answer with wrong types in it."""
        raise NotImplementedError

    def faults(self, **orders: float) -> None:
        """Accidents from now on: `lost=2`, `limited=1.5` (seconds), `lost_reset=1`, …"""
        with self.lock:
            for name, number in orders.items():
                name = name if name in LASTING else name.replace("_", "-")
                assert name in (*COUNTED, *LASTING), f"no accident is called {name}"
                self.orders[name] = number
                if name == "limited":
                    self.limited_until = time.monotonic() + number

    def strikes(self, name: str) -> bool:
        """Whether this accident happens now."""
        with self.lock:
            if self.orders.get(name, 0) < 1:
                return False
            self.orders[name] -= 1
            self.struck[name] += 1
            return True

    def assets(self) -> list[dict[str, Any]]:
        """What lies there."""
        with self.lock:
            return self.listed()

    def handle(self, request: Request) -> Answer | None:
        """An answer, or None for a reset."""
        if request.path == "/standin/assets":
            return told(self.assets())
        if request.path == "/standin/faults" and request.method == "POST":
            self.faults(**json.loads(request.body))
            return told(self.orders)
        if request.path.startswith("/standin/"):
            return told({"struck": self.struck, "requests": self.requests})
        with self.lock:
            self.requests[request.method] += 1
        return self._with_accidents(request)

    def _with_accidents(self, request: Request) -> Answer | None:
        if self.strikes("slow"):
            time.sleep(self.orders.get("slowness", 1.0))
        if time.monotonic() < self.limited_until:
            return self._limited()
        if self.strikes("reset"):
            return None
        if self.strikes("error"):
            return self.failed()
        if self.strikes("redirect"):
            return Answer(302, b"", {"Location": f"{self.url}/standin/assets"})
        if self.strikes("html"):
            return Answer(
                200, b"<!doctype html><title>Sign in</title>", {"Content-Type": "text/html"}
            )
        if self.strikes("huge"):
            return Answer(
                200, b'{"a": "' + b"x" * 2**21 + b'"}', {"Content-Type": "application/json"}
            )
        if self.strikes("wrong"):
            return told(self.wrong())
        try:
            return self.answer(request)
        except ConnectionResetError:
            return None

    def _limited(self) -> Answer:
        with self.lock:
            self.struck["limited"] += 1
        answer = self.failed(int(self.orders.get("limit_status", self.limited_status)))
        if "retry_after" in self.orders:
            answer.headers["Retry-After"] = str(self.orders["retry_after"])
        return answer

    def failed(self, status: int = 500) -> Answer:
        """In its own words."""
        raise NotImplementedError


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is none of our trouble."""


class _Handler(BaseHTTPRequestHandler):
    standin: ClassVar[StandIn]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        assert length <= BODY_MAX
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = unquote(urlsplit(self.path).path)
        answer = self.standin.handle(Request(self.command, path, headers, body))
        if answer is None:
            self._reset()
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_DESCRIBE = _do

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@dataclass
class Remote:
    """A stand-in that runs as a process of its own, asked over HTTP."""

    url: str
    kind: str = "remote"

    def faults(self, **orders: float) -> None:
        """Accidents from now on."""
        data = json.dumps(orders).encode()
        with urllib.request.urlopen(f"{self.url}/standin/faults", data, timeout=30):
            pass

    def assets(self) -> list[dict[str, Any]]:
        """What lies there."""
        with urllib.request.urlopen(f"{self.url}/standin/assets", timeout=30) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found
