"""Websockets by hand: flags, the slow reader, and what a second socket of an id does."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse

from tests.simulator.asking import Client, frames_until_silence, quick, sleeper, until_end
from tests.simulator.conftest import Start
from tests.simulator.replay import decoded

FLAGS = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}


async def previews(client: Client, ws: ClientWebSocketResponse) -> list[Any]:
    frames = await until_end(ws, await client.post(sleeper(0.02, preview=True), client_id="c"))
    return [decoded(frame) for frame in frames if isinstance(frame, bytes)]


FIRST_FRAMES = [
    ([FLAGS], 4),
    ([], 1),
    (["not JSON", FLAGS], 4),  # what cannot be read does not count as the first frame
    ([{"type": "hello"}, FLAGS], 1),  # too late
    ([["a list"], FLAGS], 1),
    ([{**FLAGS, "data": None}], 1),
    ([{**FLAGS, "data": {"supports_preview_metadata": False}}], 1),
]


@pytest.mark.parametrize(("said", "kind"), FIRST_FRAMES)
async def test_flags_count_only_as_the_first_frame(lab: Client, said: list[Any], kind: int) -> None:
    async with lab.socket("c") as ws:
        for frame in said:
            await ws.send_str(frame if isinstance(frame, str) else json.dumps(frame))
        await asyncio.sleep(0.03)
        found = await previews(lab, ws)
    assert {preview["preview"] for preview in found} == {kind}
    assert len(found) == 4


async def test_previews_of_a_sampler_sharpen_as_often_as_eyes_can_follow(simulate: Start) -> None:
    client = await simulate(seconds=0.6, steps=30)
    async with client.socket("c") as ws:
        await ws.send_json(FLAGS)
        frames = await until_end(ws, await client.post(portrait(), client_id="c"))
    steps = [frame["data"] for frame in frames if _type(frame) == "progress"]
    assert [(step["value"], step["max"]) for step in steps] == [(n, 30) for n in range(1, 31)]
    sizes = [len(frame) for frame in frames if isinstance(frame, bytes)]
    assert 2 <= len(sizes) <= 7
    assert sizes == sorted(sizes)


def portrait() -> dict[str, Any]:
    """A text-to-picture graph."""
    return {
        "4": {
            "class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": "diving.safetensors"},
        },
        "5": {
            "class_type": "EmptyLatentImage",
            "inputs": {"width": 128, "height": 192, "batch_size": 1},
        },
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a diver", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["4", 0],
                "seed": 5,
                "steps": 8,
                "cfg": 7,
                "sampler_name": "euler",
                "scheduler": "normal",
                "positive": ["6", 0],
                "negative": ["7", 0],
                "latent_image": ["5", 0],
                "denoise": 1,
            },
        },
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "p"}},
    }


async def test_a_client_that_does_not_read_silences_all_others(lab: Client) -> None:
    """600 previews for it; the others hear nothing until it is closed, while HTTP answers."""
    writer = await _socket_that_does_not_read(lab, "slow")
    async with lab.socket("good") as good:
        first = await lab.post(sleeper(0.3, steps=600, preview=True), client_id="slow")
        await lab.entry(first)
        second = await lab.post(quick(), client_id="good")
        assert (await lab.entry(second))["status"]["completed"]
        heard = await frames_until_silence(good, 0.5)
        # put and taken: what came before it clogged
        assert [frame["type"] for frame in heard] == ["status", "status"]
        writer.transport.abort()
        frames = await until_end(good, second)
        assert "execution_success" in [frame["type"] for frame in frames]


async def test_the_end_comes_after_the_history(client: Client) -> None:
    async with client.socket("c") as ws:
        for seed in range(20):
            prompt_id = await client.post(quick(seed), client_id="c")
            await until_end(ws, prompt_id)
            assert prompt_id in await client.get(f"/history/{prompt_id}")


async def test_without_a_client_progress_goes_to_all_and_ends_to_none(lab: Client) -> None:
    async with lab.socket("a") as one, lab.socket("b") as other:
        await lab.run(sleeper(0.02, preview=True))
        for ws in (one, other):
            kinds = {_type(frame) for frame in await frames_until_silence(ws, 0.2)}
            assert kinds == {"status", "progress", "progress_state", "preview"}


async def test_a_client_that_comes_back_hears_which_node_runs(lab: Client) -> None:
    async with lab.socket("c") as ws:
        prompt_id = await lab.post(sleeper(0.6), client_id="c")
        while _type(await ws.receive_json()) != "progress":
            pass
    async with lab.socket("c") as ws:
        assert await ws.receive_json() == {"type": "executing", "data": {"node": "1"}}
        await until_end(ws, prompt_id)
    async with lab.socket("c") as ws:
        assert await frames_until_silence(ws, 0.1) == []


async def test_closing_the_old_socket_deafens_the_new_one(lab: Client) -> None:
    async with lab.socket("c") as old, lab.socket("c") as new:
        await lab.run(quick(1), client_id="c")
        heard = await frames_until_silence(new, 0.2)
        assert "execution_success" in [frame["type"] for frame in heard]
        await old.close()
        await asyncio.sleep(0.05)
        await lab.run(quick(2), client_id="c")
        assert await frames_until_silence(new, 0.2) == []
        assert not new.closed


@pytest.mark.parametrize("client_id", [["a"], {"a": 1}])
async def test_an_id_that_cannot_be_hashed_ends_the_server(client: Client, client_id: Any) -> None:
    """In a process of its own the process exits; here nobody is told anything any more."""
    async with client.socket("c") as ws:
        await client.ask("POST", "/prompt", json={"prompt": quick(), "client_id": client_id})
        await client.idle()
        await frames_until_silence(ws, 0.1)
        await client.run(quick(2), client_id="c")
        assert await frames_until_silence(ws, 0.2) == []


async def test_without_an_id_one_is_given(client: Client) -> None:
    for path in ("/ws", "/api/ws?clientId="):
        async with client.http.ws_connect(client.url + path) as ws:
            sid = (await ws.receive_json())["data"]["sid"]
            assert len(sid) == 32
            int(sid, 16)


def _type(frame: Any) -> str:
    return "preview" if isinstance(frame, bytes) else str(frame["type"])


async def _socket_that_does_not_read(client: Client, client_id: str) -> asyncio.StreamWriter:
    """A websocket by hand: it shakes hands and then leaves everything in its small buffers."""
    host, port = client.url.removeprefix("http://").rsplit(":", 1)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect((host, int(port)))
    reader, writer = await asyncio.open_connection(sock=raw, limit=1024)
    writer.write(
        f"GET /ws?clientId={client_id} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    assert (await reader.readexactly(1)) == b"\x81"
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    return writer
