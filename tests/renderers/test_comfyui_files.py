"""Files of a backend: the attempt's own one, found without history, and fetching."""

from __future__ import annotations

import uuid

import pytest

from safelight.renderers.base import (
    Fetched,
    Finished,
    Nowhere,
    OutputFile,
    Prompt,
    Rendered,
    Silent,
    Unfetched,
)
from safelight.renderers.comfyui import ComfyUI
from tests.renderers.raw_server import HASTE, Call, ok, raw_server

FILE = OutputFile("image_00001_.png", "safelight/x", "output")
END = bytes.fromhex("0000000049454e44ae426082")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def prompt(folder: str | None = "safelight/x") -> Prompt:
    return Prompt(str(uuid.uuid4()), {}, "3", folder)


FILES = {
    "whole": (200, ok(END, status="206 Partial Content"), Finished(Rendered((FILE,), False))),
    "whole, no ranges": (200, ok(b"png" + END), Finished(Rendered((FILE,), False))),
    "half": (200, ok(b"x" * 12, status="206 Partial Content"), Nowhere()),
    "empty": (200, ok(b"", status="416 Range Not Satisfiable"), Nowhere()),
    "gone meanwhile": (200, ok(b"", status="404 Not Found"), Nowhere()),
    "missing": (404, b"", Nowhere()),
    "broken": (503, b"", Silent("HTTP 503")),
}


@pytest.mark.parametrize("name", FILES)
async def test_a_forgotten_prompt_is_found_by_its_file_if_whole(name: str) -> None:
    head, tail, expected = FILES[name]

    async def handle(call: Call) -> None:
        verb, path, _ = call.line.split(" ")
        if path == "/queue":
            await call.send(ok(b'{"queue_running": [], "queue_pending": []}'))
        elif path.startswith("/history"):
            await call.send(ok(b"{}"))
        elif verb == "HEAD":
            # A large picture: only its bytes are limited, and HEAD has none.
            lines = f"HTTP/1.1 {head} Whatever\r\nContent-Length: 99000000\r\n\r\n"
            await call.send(lines.encode())
        else:
            assert call.headers["range"] == "bytes=-12"
            await call.send(tail)

    async with raw_server(handle) as server, ComfyUI(server.url, patience=HASTE) as backend:
        assert await backend.look(prompt()) == expected
        query = "/view?filename=image_00001_.png&subfolder=safelight/x&type=output"
        assert server.paths("HEAD") == [query]
        assert await backend.look(prompt(folder=None)) == Nowhere()
        assert len(server.paths("HEAD")) == 1


FETCHES = {
    "whole": (ok(b"picture"), Fetched(b"picture")),
    "chunked": (CHUNKED + b"7\r\npicture\r\n0\r\n\r\n", Fetched(b"picture")),
    "as large as allowed": (ok(b"x" * 100), Fetched(b"x" * 100)),
    "a byte too large": (ok(b"x" * 101), Unfetched("more than 100 bytes", too_large=True)),
    "gone": (ok(b"", status="404 Not Found"), Unfetched("HTTP 404", gone=True)),
    "forbidden": (ok(b"", status="403 Forbidden"), Unfetched("HTTP 403")),
    "html": (ok(b"<p>", "Content-Type: text/html"), Unfetched("HTML instead of a picture")),
    "packed": (ok(b"\x1f", "Content-Encoding: gzip"), Unfetched("compressed on the way")),
    "no length": (b"HTTP/1.1 200 OK\r\n\r\npict", Unfetched("no length was announced")),
    "cut short": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\npict",
        Unfetched("the answer was cut short"),
    ),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\npict",
        Unfetched("the answer is not HTTP"),
    ),
    "longer than announced": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npicture",
        Unfetched("the answer is not HTTP"),
    ),
}


@pytest.mark.parametrize("name", FETCHES)
async def test_fetch_takes_what_is_complete(name: str) -> None:
    answer, expected = FETCHES[name]

    async def handle(call: Call) -> None:
        assert call.headers["accept-encoding"] == "identity"
        await call.send(answer)

    async with raw_server(handle) as server, ComfyUI(server.url, patience=HASTE) as backend:
        assert await backend.fetch(FILE, 100) == expected


async def test_names_are_quoted() -> None:
    async def handle(call: Call) -> None:
        await call.send(ok(b"x"))

    async with raw_server(handle) as server, ComfyUI(server.url, patience=HASTE) as backend:
        await backend.fetch(OutputFile("a b&c=ü#.png", "d/e", "output"), 100)
        assert server.paths("GET") == [
            "/view?filename=a+b%26c%3D%C3%BC%23.png&subfolder=d/e&type=output"
        ]
