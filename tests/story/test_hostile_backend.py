"""What a backend gives is proven, never believed."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.processes import Processes


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes) -> bytes:
    """A PNG of one grey byte a pixel that says it has this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


WHOLE = png(2, 2, b"\0\1\2\0\3\4")
FILES = {
    "html": b"<html><body>502 Bad Gateway</body></html>",
    "no picture": b"hello",
    "nothing": b"",
    "truncated": WHOLE[:-20],
    "a bomb": png(50_000, 50_000, b"\0" * 1000),
}


class Backend:
    """A server that runs every prompt at once and gives one file for all of them."""

    def __init__(self, file: bytes) -> None:
        self.file = file
        self.prompts: list[str] = []

    async def prompt(self, request: web.Request) -> web.Response:
        self.prompts.append((await request.json())["prompt_id"])
        answer = {"prompt_id": self.prompts[-1], "number": 1, "node_errors": {}}
        return web.json_response(answer)

    async def queue(self, _: web.Request) -> web.Response:
        return web.json_response({"queue_running": [], "queue_pending": []})

    async def history(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        name = {"filename": "image_00001_.png", "subfolder": f"safelight/{id}", "type": "output"}
        entry = {
            "prompt": [1, id, {}, {}, ["3"]],
            "outputs": {"3": {"images": [name]}},
            "status": {"status_str": "success", "completed": True, "messages": []},
        }
        return web.json_response({id: entry})

    async def view(self, _: web.Request) -> web.Response:
        return web.Response(body=self.file, content_type="image/png")


@asynccontextmanager
async def listening(backend: Backend) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(
        [
            web.post("/prompt", backend.prompt),
            web.get("/queue", backend.queue),
            web.get("/history/{id}", backend.history),
            web.get("/view", backend.view),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("kind", sorted(FILES))
async def test_what_is_no_whole_picture_is_never_stored(processes: Processes, kind: str) -> None:
    """HTML, nonsense, nothing, half a PNG, fifty thousand pixels squared: the image is tried four
    times and then fails by name; nothing of it is served."""
    backend = Backend(FILES[kind])
    async with listening(backend) as url:
        serving = await asyncio.to_thread(processes.serve, [url])
        batch = await asyncio.to_thread(serving.order, 1)
        assert batch["status"] == "failed"
        assert batch["images"][0]["error"]["code"] == "unusable-picture"
        assert len(set(backend.prompts)) == len(backend.prompts) == 4
        series = await asyncio.to_thread(serving.get, "/v1/series/ann/mira")
        assert series["counts"] == {"failed": 1}


async def test_a_backend_that_answers_html_is_left_alone(processes: Processes) -> None:
    """Something else than a ComfyUI at the address: nothing is sent to it, the order waits, and
    the list of backends says what it answers."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>welcome</html>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.route("*", "/{tail:.*}", page)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        serving = await asyncio.to_thread(processes.serve, [url])
        batch = await asyncio.to_thread(serving.order, 1, 2)
        assert batch["status"] == "queued"
        shown = (await asyncio.to_thread(serving.get, "/v1/backends"))["data"][0]
        assert shown["state"] == "resting"
        assert "HTML" in shown["reason"]
    finally:
        await runner.cleanup()
