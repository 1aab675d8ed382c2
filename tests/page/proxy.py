"""A proxy that takes its own path off, as the how-to has nginx do it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


@contextmanager
def proxy(target: str, path: str) -> Iterator[str]:
    """The address below which the server at `target` is; nothing else is there."""

    class Handler(_Passing):
        netloc = urlsplit(target).netloc
        below = path

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{path}"
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


class _Passing(BaseHTTPRequestHandler):
    netloc: str
    below: str

    def do_GET(self) -> None:
        if not self.path.startswith(f"{self.below}/"):
            self.send_error(404, "this is another service's")
            return
        length = int(self.headers.get("content-length", 0))
        sent = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
        far = http.client.HTTPConnection(self.netloc, timeout=120)
        try:
            path = self.path.removeprefix(self.below)
            far.request(self.command, path, self.rfile.read(length), sent)
            self._hand_on(far.getresponse())
        finally:
            far.close()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _hand_on(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):
            while piece := answer.read1(65_536):
                self.wfile.write(piece)
