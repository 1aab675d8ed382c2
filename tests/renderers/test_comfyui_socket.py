"""The websocket: reopened for ever, read at once, and never believed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from safelight.renderers.base import Accepted, Connected, Disconnected, Ended, Hint, Progress
from safelight.renderers.comfyui import ComfyUI, Patience
from tests.renderers.listening import listening, prompt_of
from tests.renderers.raw_server import HASTE, Call, eventually, ok, raw_server

Script = Callable[[web.WebSocketResponse], Awaitable[None]]
JPEG = b"\xff\xd8\xff picture"


@dataclass
class SocketServer:
    """A server with a websocket alone."""

    url: str = ""
    clients: list[str] = field(default_factory=list)
    closed: int = 0


@asynccontextmanager
async def socket_server(
    script: Script, *, pongs: bool = True, port: int = 0
) -> AsyncIterator[SocketServer]:
    """Every websocket gets the script; then it is closed."""
    server = SocketServer()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        server.clients.append(request.query["clientId"])
        socket = web.WebSocketResponse(autoping=pongs)
        await socket.prepare(request)
        await script(socket)
        await socket.close()
        server.closed += 1
        return socket

    app = web.Application()
    app.router.add_get("/ws", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def event(kind: str, **data: object) -> str:
    return json.dumps({"type": kind, "data": data})


def end(prompt_id: str) -> str:
    return event("executing", node=None, prompt_id=prompt_id)


async def read_on(socket: web.WebSocketResponse) -> None:
    """Read until the client is gone."""
    async for _ in socket:
        pass


async def test_the_flags_are_the_first_frame() -> None:
    first: list[object] = []

    async def script(socket: web.WebSocketResponse) -> None:
        first.append(json.loads((await socket.receive()).data))
        await socket.send_str(end("a"))
        await read_on(socket)

    async with (
        socket_server(script) as server,
        ComfyUI(server.url) as backend,
        listening(backend) as listener,
    ):
        await listener.until_ended("a")
    assert first == [{"type": "feature_flags", "data": {"supports_preview_metadata": True}}]


async def test_garbage_does_not_end_the_listening() -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        for text in (
            "",
            "null",
            "[]",
            "[" * 100_000,
            '{"type": 7}',
            '{"type": "progress"}',
            "\ud7ff",
        ):
            await socket.send_str(text)
        for raw in (b"", b"\x00", b"\x00\x00\x00\x04\xff\xff\xff\xff", b"\xff" * 5_000):
            await socket.send_bytes(raw)
        await socket.send_frame(b'{"type": "executing\xff\xfe', WSMsgType.TEXT)  # no UTF-8
        await socket.send_str(end("a"))
        await read_on(socket)

    async with socket_server(script) as server, ComfyUI(server.url, patience=HASTE) as backend:
        async with listening(backend) as listener:
            await listener.until_ended("a")
        assert listener.hints == [Connected(), Ended("a")]
        assert len(server.clients) == 1


async def test_a_frame_that_is_too_large_costs_the_connection_only() -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        if len(server.clients) == 1:
            await socket.send_bytes(b"x" * 200_000)
        else:
            await socket.send_str(end("a"))
        await read_on(socket)

    async with socket_server(script) as server:
        backend = ComfyUI(server.url, patience=HASTE, answer_limit=100_000)
        async with backend, listening(backend, connected=False) as listener:
            await listener.until_ended("a")
        # What opened and was lost again before anybody looked is told as lost.
        kinds = [type(hint) for hint in listener.hints]
        assert kinds[-3:] == [Disconnected, Connected, Ended]


async def test_a_server_that_hangs_up_at_once_is_not_stormed() -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        opened.append(asyncio.get_running_loop().time())

    opened: list[float] = []
    async with socket_server(script) as server, ComfyUI(server.url, patience=HASTE) as backend:
        async with listening(backend, connected=False) as listener:
            await eventually(lambda: len(opened) == 8)
        assert len(set(server.clients)) == len(server.clients)
        assert Disconnected("websocket closed (1000)") in listener.hints
    # After 0.01, 0.02, 0.04, then every 0.05 s, each at most a quarter sooner.
    assert opened[-1] - opened[0] >= 0.75 * (0.01 + 0.02 + 0.04 + 4 * 0.05)


async def test_a_connection_that_lasted_is_replaced_soon() -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        opened.append(asyncio.get_running_loop().time())
        if len(opened) == 6:
            await asyncio.sleep(0.6)
            closed.append(asyncio.get_running_loop().time())

    opened: list[float] = []
    closed: list[float] = []
    patience = Patience(reconnect=0.01, reconnect_max=0.5)
    async with (
        socket_server(script) as server,
        ComfyUI(server.url, patience=patience) as backend,
        listening(backend, connected=False),
    ):
        await eventually(lambda: len(opened) == 7)
    assert opened[6] - closed[0] < 0.2  # the pause before had been 0.16, the next would be 0.32


async def test_an_outage_is_told_once_and_ends_when_the_server_comes(unused_tcp_port: int) -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        await read_on(socket)

    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with ComfyUI(url, patience=HASTE) as backend:
        async with listening(backend, connected=False) as listener:
            await asyncio.sleep(0.3)
            async with socket_server(script, port=unused_tcp_port):
                await listener.until(lambda hint: hint == Connected())
        assert listener.hints == [Disconnected("connection refused"), Connected()]


async def test_no_websocket_at_this_address() -> None:
    async def handle(call: Call) -> None:
        await call.send(ok(b"<html>"))

    async with raw_server(handle) as server, ComfyUI(server.url, patience=HASTE) as backend:
        hints = backend.hints()
        assert await anext(hints) == Disconnected("HTTP 200 instead of a websocket")
        await hints.aclose()


async def test_a_handshake_that_never_ends() -> None:
    async def handle(call: Call) -> None:
        await asyncio.sleep(5)

    async with raw_server(handle) as server, ComfyUI(server.url, patience=HASTE) as backend:
        hints = backend.hints()
        assert await anext(hints) == Disconnected("timed out")
        await hints.aclose()


async def test_a_server_that_does_not_pong_is_gone() -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        await read_on(socket)

    async with (
        socket_server(script, pongs=False) as server,
        ComfyUI(server.url, patience=HASTE) as backend,
        listening(backend) as listener,
    ):
        await listener.until(lambda hint: isinstance(hint, Disconnected), seconds=2)


async def test_a_slow_listener_holds_up_nobody_and_misses_no_end() -> None:
    sent = asyncio.Event()

    async def script(socket: web.WebSocketResponse) -> None:
        about = b'{"prompt_id": "a"}'
        preview = (4).to_bytes(4) + len(about).to_bytes(4) + about + JPEG + b"x" * 33_000
        for step in range(1, 601):
            await socket.send_str(event("progress", value=step, max=600, prompt_id="a"))
            await socket.send_bytes(preview)
        for number in range(50):
            await socket.send_str(end(f"b{number}"))
        await asyncio.sleep(0.05)
        sent.set()
        await read_on(socket)

    async with socket_server(script) as server, ComfyUI(server.url) as backend:
        hints = backend.hints()
        assert await anext(hints) == Connected()
        # 20 MB have been taken off the wire, though nobody asks.
        await asyncio.wait_for(sent.wait(), 10)
        progress = await anext(hints)
        assert isinstance(progress, Progress)
        assert (progress.step, progress.steps) == (600, 600)
        assert progress.preview is not None
        assert [await anext(hints) for _ in range(50)] == [Ended(f"b{n}") for n in range(50)]
        await hints.aclose()


async def test_more_ends_than_anybody_takes_are_told_as_an_outage() -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        if len(server.clients) == 1:
            for number in range(10_100):
                await socket.send_str(end(f"x{number}"))
        await read_on(socket)

    async with socket_server(script) as server, ComfyUI(server.url, patience=HASTE) as backend:
        hints = backend.hints()
        assert await anext(hints) == Connected()
        await eventually(lambda: len(server.clients) == 2)
        taken: list[Hint] = []
        while (hint := await anext(hints)) != Connected():
            taken.append(hint)
        assert taken == [
            *(Ended(f"x{number}") for number in range(10_000)),
            Disconnected("more hints than anybody takes"),
        ]
        await hints.aclose()


async def test_close_ends_the_hints() -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        await read_on(socket)

    async with socket_server(script) as server:
        backend = ComfyUI(server.url)
        async with listening(backend):
            await backend.close()
            await eventually(lambda: server.closed == 1)
        assert [hint async for hint in backend.hints()] == []


async def test_hints_that_are_let_go_close_their_socket() -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        await read_on(socket)

    async with socket_server(script) as server, ComfyUI(server.url) as backend:
        hints = backend.hints()
        await anext(hints)
        await hints.aclose()
        await eventually(lambda: server.closed == 1)


async def test_a_fallen_number_counts_as_a_lost_connection() -> None:
    """Prompts are numbered upwards. Behind a proxy that keeps the websocket open a fallen number is
    all that tells of a restart."""
    numbers = iter([4, 5, 1])

    async def socket(request: web.Request) -> web.WebSocketResponse:
        opened = web.WebSocketResponse()
        await opened.prepare(request)
        await read_on(opened)
        return opened

    async def post(request: web.Request) -> web.Response:
        id = (await request.json())["prompt_id"]
        return web.json_response({"prompt_id": id, "number": next(numbers), "node_errors": {}})

    app = web.Application()
    app.add_routes([web.get("/ws", socket), web.post("/prompt", post)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with ComfyUI(url) as backend, listening(backend) as listener:
            for _ in range(2):
                assert isinstance(await backend.submit(prompt_of({})), Accepted)
            assert listener.hints == [Connected()]
            assert isinstance(await backend.submit(prompt_of({})), Accepted)
            told = await listener.until(lambda hint: isinstance(hint, Disconnected))
            assert "counted from the beginning" in str(told)
    finally:
        await runner.cleanup()
