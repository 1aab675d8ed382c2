"""How the tests talk to a simulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

Graph = dict[str, Any]


def quick(seed: int = 1, side: int = 64, prefix: str = "t", **size: int) -> Graph:
    """EmptyImage, ImageAddNoise, SaveImage."""
    sheet = {"width": side, "height": side, "batch_size": 1, "color": 3368601, **size}
    return {
        "1": {"class_type": "EmptyImage", "inputs": sheet},
        "2": {
            "class_type": "ImageAddNoise",
            "inputs": {"image": ["1", 0], "seed": seed, "strength": 0.5},
        },
        "3": {
            "class_type": "SaveImage",
            "inputs": {"images": ["2", 0], "filename_prefix": prefix},
        },
    }


def sleeper(seconds: float, seed: int = 1, steps: int = 4, preview: bool = False) -> Graph:
    """The lab's sampler that takes its time, and SaveImage."""
    return {
        "1": {
            "class_type": "LabSleepSampler",
            "inputs": {
                "seed": seed,
                "steps": steps,
                "seconds": seconds,
                "width": 64,
                "height": 64,
                "batch_size": 1,
                "preview": preview,
            },
        },
        "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "s"}},
    }


class Client:
    """One simulator's client."""

    def __init__(self, url: str, output: Path) -> None:
        self.url = url
        self.output = output
        self.http = aiohttp.ClientSession()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Status and body, parsed if it is JSON."""
        async with self.http.request(method, self.url + path, **more) as response:
            content = await response.read()
            if response.content_type == "application/json" and content:
                return response.status, json.loads(content)
            return response.status, content

    async def get(self, path: str) -> Any:
        """The body of a 200."""
        status, body = await self.ask("GET", path)
        assert status == 200, (status, body)
        return body

    async def post(self, graph: Graph, **more: Any) -> str:
        """Enqueue; the prompt id."""
        status, body = await self.ask("POST", "/prompt", json={"prompt": graph, **more})
        assert status == 200, (status, body)
        return str(body["prompt_id"])

    async def entry(self, prompt_id: str, seconds: float = 15) -> Any:
        """The history entry, once it is there."""
        found = await eventually(lambda: self.get(f"/history/{prompt_id}"), seconds)
        return found[prompt_id]

    async def run(self, graph: Graph, **more: Any) -> Any:
        """Enqueue and wait; the history entry."""
        return await self.entry(await self.post(graph, **more))

    async def saved(self, graph: Graph, **more: Any) -> list[Path]:
        """Enqueue and wait; the files."""
        entry = await self.run(graph, **more)
        assert entry["status"]["status_str"] == "success", entry
        return [self.output / path for path in files_of(entry)]

    async def running(self, prompt_id: str, seconds: float = 15) -> None:
        """Until this prompt runs."""

        async def runs() -> bool:
            queue = await self.get("/queue")
            return prompt_id in [item[1] for item in queue["queue_running"]]

        await eventually(runs, seconds)

    async def idle(self, seconds: float = 15) -> None:
        """Until nothing is pending or running."""

        async def rests() -> bool:
            return not (await self.get("/prompt"))["exec_info"]["queue_remaining"]

        await eventually(rests, seconds)

    async def renderings(self) -> list[dict[str, Any]]:
        """The oracle's list."""
        found: list[dict[str, Any]] = await self.get("/simulator/renderings")
        return found

    @asynccontextmanager
    async def socket(self, client_id: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A websocket that has said hello."""
        url = f"{self.url}/ws?clientId={client_id}"
        async with self.http.ws_connect(url, max_msg_size=0) as ws:
            assert (await ws.receive_json())["data"]["sid"] == client_id
            yield ws


async def eventually(condition: Callable[[], Awaitable[Any]], seconds: float = 15) -> Any:
    """What the condition tells once it holds."""
    async with asyncio.timeout(seconds):
        while True:
            if found := await condition():
                return found
            await asyncio.sleep(0.005)


def files_of(entry: Any) -> list[str]:
    """Paths below the output folder, in a history entry's order."""
    return [
        f"{image['subfolder']}/{image['filename']}".lstrip("/")
        for told in entry["outputs"].values()
        for image in told["images"]
    ]


def cached_of(entry: Any) -> set[str]:
    """The nodes that a history entry says came from the cache."""
    messages = dict(entry["status"]["messages"])
    return set(messages["execution_cached"]["nodes"])


async def until_end(ws: aiohttp.ClientWebSocketResponse, prompt_id: str) -> list[Any]:
    """All frames up to the very last of a prompt; binary ones as bytes."""
    frames: list[Any] = []
    async with asyncio.timeout(20):
        while True:
            message = await ws.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                frames.append(message.data)
                continue
            frame = json.loads(message.data)
            frames.append(frame)
            if frame == {"type": "executing", "data": {"node": None, "prompt_id": prompt_id}}:
                return frames


def pixels(path: Path) -> bytes:
    """A file's pixels, metadata apart."""
    with Image.open(path) as picture:
        return picture.convert("RGB").tobytes()


async def frames_until_silence(ws: aiohttp.ClientWebSocketResponse, seconds: float) -> list[Any]:
    """What comes until nothing comes for a while; binary frames as bytes."""
    frames: list[Any] = []
    while True:
        try:
            message = await ws.receive(timeout=seconds)
        except TimeoutError:
            return frames
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
        is_text = message.type is aiohttp.WSMsgType.TEXT
        frames.append(json.loads(message.data) if is_text else message.data)
