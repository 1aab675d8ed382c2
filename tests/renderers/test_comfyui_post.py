"""A POST travels alone, once, and is dropped by reset when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import socket
import uuid

import pytest

from safelight.renderers.base import Accepted, InDoubt, Prompt
from safelight.renderers.comfyui import ComfyUI
from tests.renderers.raw_server import HASTE, Call, eventually, ok, raw_server


def prompt(size: int = 10) -> Prompt:
    graph = {"3": {"class_type": "SaveImage", "inputs": {"text": "x" * size}}}
    return Prompt(str(uuid.uuid4()), graph, "3", None)


async def accept(call: Call) -> None:
    prompt_id = call.body.split(b'"prompt_id":"')[1][:36].decode()
    await call.send(
        ok(f'{{"prompt_id": "{prompt_id}", "number": 3, "node_errors": {{}}}}'.encode())
    )


async def test_each_post_has_a_connection_of_its_own_and_reading_shares_one() -> None:
    async def handle(call: Call) -> None:
        if call.line.startswith("POST /prompt"):
            await accept(call)
        else:
            await call.send(ok(b'{"queue_running": [], "queue_pending": []}'))

    async with (
        raw_server(handle, keep=True) as server,
        ComfyUI(server.url, patience=HASTE) as backend,
    ):
        for _ in range(3):
            assert await backend.submit(prompt()) == Accepted(3)
            await backend.probe()
        posts = [call.peer for call in server.calls if call.line.startswith("POST")]
        reads = {call.peer for call in server.calls if call.line.startswith("GET")}
        assert len(set(posts)) == len(posts) == 3
        assert len(reads) == 1
        assert not reads & set(posts)


async def test_an_answered_post_ends_politely() -> None:
    async with (
        raw_server(accept, keep=True) as server,
        ComfyUI(server.url, patience=HASTE) as backend,
    ):
        await backend.submit(prompt())
        await eventually(lambda: server.ends == ["closed"])
        assert server.calls[0].headers["connection"] == "close"


async def wait_for_the_end(call: Call) -> None:
    """Answer nothing; raise what the connection ends with."""
    assert await call.reader.read() == b""


async def test_a_post_given_up_after_a_time_out_is_reset() -> None:
    async with (
        raw_server(wait_for_the_end) as server,
        ComfyUI(server.url, patience=HASTE) as backend,
    ):
        assert await backend.submit(prompt()) == InDoubt("timed out")
        await eventually(lambda: server.ends == ["ConnectionResetError"])
        assert len(server.calls) == 1


async def test_a_cancelled_post_is_reset() -> None:
    async with (
        raw_server(wait_for_the_end) as server,
        ComfyUI(server.url, patience=HASTE) as backend,
    ):
        task = asyncio.create_task(backend.submit(prompt()))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: server.ends == ["ConnectionResetError"])


async def test_what_a_frozen_server_has_not_taken_is_never_delivered() -> None:
    """The body is larger than all buffers between us: most of it still lies in this process."""
    size = 64 * 2**20
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with ComfyUI(url, patience=HASTE) as backend:
            with pytest.warns(ResourceWarning, match="large body"):
                assert await backend.submit(prompt(size)) == InDoubt("timed out")
            taken = await asyncio.to_thread(thaw, listener)
    assert taken < size


def thaw(listener: socket.socket) -> int:
    """How many bytes arrive once the server reads, until the connection ends by reset."""
    connection, _ = listener.accept()
    connection.settimeout(2)
    taken = 0
    with connection:
        try:
            while chunk := connection.recv(2**20):
                taken += len(chunk)
        except ConnectionResetError:
            return taken
    pytest.fail("it ended as if it were complete")


async def test_a_reset_is_doubt() -> None:
    async def handle(call: Call) -> None:
        call.writer.transport.abort()

    async with raw_server(handle) as server, ComfyUI(server.url, patience=HASTE) as backend:
        submission = await backend.submit(prompt())
        assert isinstance(submission, InDoubt)
        assert submission.sent
        assert len(server.calls) == 1


async def test_headers_token_and_path_go_with_every_request_and_no_origin() -> None:
    async def handle(call: Call) -> None:
        await call.send(ok(b"{}"))

    async with raw_server(handle) as server:
        url = f"{server.url}/proxy/comfy/"
        headers = {"X-Tenant": "seven"}
        async with ComfyUI(url, headers=headers, token="s3cret", patience=HASTE) as backend:
            assert "s3cret" not in repr(backend)
            await backend.submit(prompt())
            await backend.look(prompt(), ended=True)
            await backend.cancel("some-id")
            await backend.free()
            listener = backend.hints()
            disconnected = await anext(listener)
            await listener.aclose()
        assert "s3cret" not in repr(disconnected)
        for call in server.calls:
            assert call.line.split(" ")[1].startswith("/proxy/comfy/")
            assert call.headers["authorization"] == "Bearer s3cret"
            assert call.headers["x-tenant"] == "seven"
            assert "origin" not in call.headers
            assert "cookie" not in call.headers
        asked = {call.line.split(" ")[1].split("?")[0] for call in server.calls}
        assert asked >= {f"/proxy/comfy/{name}" for name in ("prompt", "queue", "free", "ws")}


async def test_after_close_nothing_is_asked_and_nothing_raises() -> None:
    async with raw_server(accept) as server:
        backend = ComfyUI(server.url, patience=HASTE)
        assert await backend.submit(prompt()) == Accepted(3)
        await backend.close()
        await backend.close()
        assert await backend.submit(prompt()) == InDoubt("closed", sent=False)
        assert not await backend.free()
        assert not await backend.cancel("some-id")
        assert len(server.calls) == 1


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8188",
        "ftp://host/",
        "http://",
        "http://user:password@host/",
        "http://host/?token=s3cret",
        "http://host/#part",
    ],
)
def test_an_address_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        ComfyUI(url)
    assert "password" not in str(caught.value).replace("user, password,", "")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"Origin": "http://host"}, None),
        ({"content-length": "3"}, None),
        ({"X-A": "s3cret\r\nX-B: 2"}, None),
        ({"X A": "s3cret"}, None),
        ({"authorization": "Basic s3cret"}, "token"),
        ({}, "s3cret\n"),
    ],
)
def test_headers_that_cannot_be_sent(headers: dict[str, str], token: str | None) -> None:
    with pytest.raises(ValueError) as caught:
        ComfyUI("http://host", headers=headers, token=token)
    assert "s3cret" not in str(caught.value)
