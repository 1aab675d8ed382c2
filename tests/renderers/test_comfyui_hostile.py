"""Backends that answer badly, or not at all: a record each time, never an exception."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from safelight.renderers.base import (
    InDoubt,
    OutputFile,
    Prompt,
    Refused,
    Silent,
    Unfetched,
    Vitals,
)
from safelight.renderers.comfyui import ComfyUI
from tests.renderers.raw_server import HASTE, Call, RawServer, ok, raw_server

GRAPH = {"3": {"class_type": "SaveImage", "inputs": {"text": "a picture"}}}
FILE = OutputFile("image_00001_.png", "safelight/x", "output")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

BAD = {
    "html": (ok(b"<html>hello</html>", "Content-Type: text/html"), "HTML instead of JSON"),
    "not json": (ok(b"hello"), "something else instead of JSON"),
    "empty": (ok(b""), "something else instead of JSON"),
    "deep json": (ok(b"[" * 1_990), "something else instead of JSON"),
    "500": (ok(b"Server got itself in trouble", status="500 Internal Server Error"), "HTTP 500"),
    "502 html": (ok(b"<html>", status="502 Bad Gateway"), "HTTP 502"),
    "redirect": (ok(b"", "Location: /login", status="302 Found"), "HTTP 302"),
    "cut short": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "the answer was cut short"),
    "cut chunk": (CHUNKED + b"5\r\n{", "the answer was cut short"),
    "no http": (b"\x00\xff\x13 garbage\r\n\r\n", "the answer is not HTTP"),
    "nothing": (b"", "closed without an answer"),
    "announced too large": (ok(b" " * 3_000), "more than 2000 bytes"),
    "turns out too large": (CHUNKED + b"bb8\r\n" + b" " * 3_000, "more than 2000 bytes"),
}


BROKEN = ("cut short", "cut chunk", "no http", "nothing")


def prompt(folder: str | None = "safelight/x") -> Prompt:
    return Prompt(str(uuid.uuid4()), GRAPH, "3", folder)


def backend_of(server: RawServer, limit: int = 2_000) -> ComfyUI:
    return ComfyUI(server.url, patience=HASTE, answer_limit=limit)


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_answer_is_silence_or_doubt(name: str) -> None:
    answer, reason = BAD[name]

    async def handle(call: Call) -> None:
        await call.send(answer)

    async with raw_server(handle) as server, backend_of(server) as backend:
        told = await backend.probe()
        assert told == Silent(reason)
        assert isinstance(told, Silent)
        assert told.reached == (name not in BROKEN)
        assert await backend.look(prompt()) == Silent(reason)
        assert await backend.look(prompt(), ended=True) == Silent(reason)
        assert not await backend.cancel(str(uuid.uuid4()))
        posts = len(server.paths("POST"))
        submission = await backend.submit(prompt())
        assert isinstance(submission, InDoubt)
        assert submission.sent
        # Never repeated, never followed elsewhere.
        assert len(server.paths("POST")) == posts + 1
        assert "/login" not in " ".join(server.paths("GET"))


async def test_silence_ends_with_patience() -> None:
    async def handle(call: Call) -> None:
        await asyncio.sleep(5)

    async with raw_server(handle) as server, backend_of(server) as backend:
        assert await backend.probe() == Silent("timed out")
        assert await backend.look(prompt()) == Silent("timed out")
        assert await backend.submit(prompt()) == InDoubt("timed out", sent=True)
        assert not await backend.cancel(str(uuid.uuid4()))
        assert not await backend.free()


async def test_a_trickle_ends_with_patience() -> None:
    async def handle(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        for _ in range(100):
            await call.send(b" ")
            await asyncio.sleep(0.02)

    async with raw_server(handle) as server, backend_of(server) as backend:
        assert await backend.probe() == Silent("timed out")
        assert await backend.submit(prompt()) == InDoubt("timed out")
        assert await backend.fetch(FILE, 1_000) == Unfetched("timed out")


async def test_an_endless_body_is_not_read_to_its_end() -> None:
    async def handle(call: Call) -> None:
        await call.send(CHUNKED)
        while True:
            await call.send(b"1000\r\n" + b"x" * 4_096 + b"\r\n")

    async with raw_server(handle) as server, backend_of(server) as backend:
        assert await backend.fetch(FILE, 100_000) == Unfetched(
            "more than 100000 bytes", too_large=True
        )
        assert await backend.probe() == Silent("more than 2000 bytes")


async def test_nothing_listening_means_that_nothing_was_sent(unused_tcp_port: int) -> None:
    async with ComfyUI(f"http://127.0.0.1:{unused_tcp_port}", patience=HASTE) as backend:
        assert await backend.submit(prompt()) == InDoubt("connection refused", sent=False)
        told = await backend.probe()
        assert told == Silent("connection refused")
        assert isinstance(told, Silent)
        assert not told.reached
        assert await backend.fetch(FILE, 10) == Unfetched("connection refused")
        assert not await backend.free()


async def test_an_unknown_host_means_that_nothing_was_sent() -> None:
    async with ComfyUI("http://nowhere.invalid:8188", patience=HASTE) as backend:
        submission = await backend.submit(prompt())
        assert isinstance(submission, InDoubt)
        assert not submission.sent
        assert "nowhere.invalid" not in submission.reason


async def test_plain_http_behind_an_https_address() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(ok(b"", status="400 Bad Request"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with ComfyUI(url, token="s3cret", patience=HASTE) as backend:
            assert await backend.submit(prompt()) == InDoubt("TLS failed", sent=False)
            assert await backend.probe() == Silent("TLS failed")


@pytest.mark.parametrize(
    ("queue", "reason"),
    [
        (b"[]", "bad queue: queue is not an object"),
        (b'{"queue_running": 3, "queue_pending": []}', "bad queue: queue_running is not an array"),
        (
            b'{"queue_running": [], "queue_pending": [[]]}',
            "bad queue: queue_pending item is too sh",
        ),
    ],
)
async def test_a_queue_of_another_shape(queue: bytes, reason: str) -> None:
    async def handle(call: Call) -> None:
        await call.send(ok(queue))

    async with raw_server(handle) as server, backend_of(server) as backend:
        silent = await backend.probe()
        assert isinstance(silent, Silent)
        assert silent.reason.startswith(reason)


@pytest.mark.parametrize("history", [b"[]", b'{"%s": 7}', b'{"%s": {"prompt": [1, "other"]}}'])
async def test_a_history_of_another_shape(history: bytes) -> None:
    wanted = prompt()

    async def handle(call: Call) -> None:
        await call.send(ok(history.replace(b"%s", wanted.prompt_id.encode())))

    async with raw_server(handle) as server, backend_of(server) as backend:
        silent = await backend.look(wanted, ended=True)
        assert isinstance(silent, Silent)
        assert silent.reason.startswith("bad history: ")


async def test_a_strangers_odd_prompt_does_not_hide_ours() -> None:
    ours = prompt()
    stranger = '[NaN, "s", {"t": "\\ud800"}, {}, []]'
    queue = f'{{"queue_running": [{stranger}], "queue_pending": [[7, "{ours.prompt_id}", {{}}]]}}'

    async def handle(call: Call) -> None:
        await call.send(ok(queue.encode() if "/queue" in call.line else b"<html>"))

    async with raw_server(handle) as server, backend_of(server) as backend:
        assert await backend.probe() == Vitals(("s",), (ours.prompt_id,), None)


async def test_the_version_is_asked_once() -> None:
    async def handle(call: Call) -> None:
        empty = b'{"queue_running": [], "queue_pending": []}'
        stats = b'{"system": {"comfyui_version": "0.3.64"}}'
        await call.send(ok(empty if "/queue" in call.line else stats))

    async with raw_server(handle) as server, backend_of(server) as backend:
        assert await backend.probe() == Vitals((), (), "0.3.64")
        assert await backend.probe() == Vitals((), (), "0.3.64")
        assert server.paths("GET") == ["/queue", "/system_stats", "/queue"]


async def test_a_version_that_is_none_is_not_believed() -> None:
    async def handle(call: Call) -> None:
        empty = b'{"queue_running": [], "queue_pending": []}'
        stats = b'{"system": {"comfyui_version": "<script>"}}'
        await call.send(ok(empty if "/queue" in call.line else stats))

    async with raw_server(handle) as server, backend_of(server) as backend:
        assert await backend.probe() == Vitals((), (), None)


# --- submit ---------------------------------------------------------------------------------------

REFUSALS = {
    "401 Unauthorized": ("unauthorized", "token"),
    "403 Forbidden": ("forbidden", "token"),
    "404 Not Found": ("not-found", "is it a ComfyUI"),
    "413 Too Large": ("too-large", "larger"),
    "422 Unprocessable": ("http-422", "422"),
}


@pytest.mark.parametrize("status", REFUSALS)
async def test_a_refusal_says_what_to_do(status: str) -> None:
    slug, words = REFUSALS[status]

    async def handle(call: Call) -> None:
        await call.send(ok(b"<html>no</html>", status=status))

    async with raw_server(handle) as server, backend_of(server) as backend:
        refused = await backend.submit(prompt())
        assert isinstance(refused, Refused)
        assert refused.reason == slug
        assert words in refused.detail


@pytest.mark.parametrize("value", ["\ud800", object(), {1j: 2}])
async def test_what_json_cannot_say_is_refused_here(value: object) -> None:
    async with ComfyUI("http://127.0.0.1:9", patience=HASTE) as backend:
        odd = Prompt(str(uuid.uuid4()), {"1": {"inputs": {"x": value}}}, "1", None)
        refused = await backend.submit(odd)
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.running) == ("unsendable", False)


# --- cancel ---------------------------------------------------------------------------------------


async def test_cancel_gives_up_on_a_prompt_that_does_not_stop() -> None:
    ours = prompt()

    async def handle(call: Call) -> None:
        item = f'[1, "{ours.prompt_id}", {{}}, {{}}, []]'
        queue = f'{{"queue_running": [{item}], "queue_pending": []}}'
        await call.send(ok(queue.encode() if call.line.startswith("GET") else b""))

    async with raw_server(handle) as server, backend_of(server) as backend:
        assert not await backend.cancel(ours.prompt_id)
        # The interrupt was sent once, and named the prompt.
        bodies = [call.body for call in server.calls if "/interrupt" in call.line]
        assert bodies == [b'{"prompt_id":"%s"}' % ours.prompt_id.encode()]


async def test_cancel_deletes_again_what_came_into_the_queue_late() -> None:
    ours = prompt()
    asked = 0

    async def handle(call: Call) -> None:
        nonlocal asked
        asked += call.line.startswith("GET")
        item = f'[1, "{ours.prompt_id}", {{}}, {{}}, []]' if asked == 1 else ""
        queue = f'{{"queue_running": [], "queue_pending": [{item}]}}'
        await call.send(ok(queue.encode() if call.line.startswith("GET") else b""))

    async with raw_server(handle) as server, backend_of(server) as backend:
        assert await backend.cancel(ours.prompt_id)
        assert server.paths("POST") == ["/queue", "/queue"]


async def test_cancel_without_an_id_asks_nothing() -> None:
    async def handle(call: Call) -> None:
        await call.send(ok(b""))

    async with raw_server(handle) as server, backend_of(server) as backend:
        assert not await backend.cancel("")
        assert server.calls == []


async def test_free_asks_for_both() -> None:
    async def handle(call: Call) -> None:
        await call.send(ok(b""))

    async with raw_server(handle) as server, backend_of(server) as backend:
        assert await backend.free()
        assert server.calls[0].body == b'{"unload_models":true,"free_memory":true}'
