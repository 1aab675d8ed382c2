"""A real S3 server, in an environment and a process of its own."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOTO = Path(__file__).parents[2] / ".venv-s3" / "bin" / "moto_server"


@contextmanager
def running() -> Iterator[str]:
    """The address of an S3 server with a bucket named `bucket`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(MOTO), "-H", "127.0.0.1", "-p", str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as server:
        try:
            _make_bucket(server, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def url(endpoint: str, prefix: str, secret: str = "right-s3cret") -> str:
    """A bucket's url as it stands in the settings of a publisher."""
    return f"s3://public-part:{secret}@bucket/{prefix}?endpoint={endpoint}&region=us-east-1"


def toml(endpoint: str, prefix: str, name: str = "bucket", **more: str) -> str:
    """Its section of `safelight.toml`; `more` are further lines, values as TOML."""
    lines = [f"[publishers.{name}]", 'kind = "bucket"', f'url = "{url(endpoint, prefix)}"']
    lines += ['public_url = "https://pictures.example.com"']
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in more.items())]) + "\n"


def _make_bucket(server: subprocess.Popen[bytes], port: int) -> None:
    """Ask until it answers; it takes about a second to start."""
    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("PUT", "/bucket")
            assert connection.getresponse().status == 200
            return
        except ConnectionRefusedError:
            assert server.poll() is None, "the S3 server has ended"
            assert time.monotonic() < deadline, "the S3 server does not answer"
            time.sleep(0.05)
        finally:
            connection.close()
