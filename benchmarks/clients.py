"""The two that are compared: a plain client of a render server, and a client of ours.

Both run on the same loop, with the same library and kept connections; both end with the picture's
bytes in hand. The plain one is written as fast as we can write it: one websocket for everything,
ids it chose itself so that nothing is looked for, only the frames decoded that can be an end, and a
folder of its own for each picture, because saving slows down with a full one.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from types import TracebackType
from typing import Any, Final
from uuid import uuid4

import aiohttp
import msgspec

_END: Final = b"IEND\xaeB`\x82"
_WAIT: Final = 60  # s


class _Data(msgspec.Struct):
    node: str | None = ""
    prompt_id: str = ""


class _Frame(msgspec.Struct):
    type: str
    data: _Data


class _Image(msgspec.Struct):
    filename: str
    subfolder: str
    type: str


class _Saved(msgspec.Struct):
    images: list[_Image] = []


class _Entry(msgspec.Struct):
    outputs: dict[str, _Saved]


class PlainClient:
    """POST /prompt, wait for its end on the websocket, GET the history, GET the picture."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._me = uuid4().hex
        self._ends: dict[str, asyncio.Future[None]] = {}
        self._seeds = itertools.count(int.from_bytes(os.urandom(5)))
        self._history = msgspec.json.Decoder(dict[str, _Entry])
        self._frames = msgspec.json.Decoder(_Frame)

    async def __aenter__(self) -> PlainClient:
        self._session = _session()
        self._socket = await self._session.ws_connect(
            f"{self._url}/ws?clientId={self._me}", decode_text=False
        )
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._reading.cancel()
        await self._session.close()

    async def draw(self, quantity: int, size: int) -> None:
        """So many pictures, all in flight at once."""
        if quantity == 1:
            await self._draw(size)
        else:
            await asyncio.gather(*(self._draw(size) for _ in range(quantity)))

    async def _draw(self, size: int) -> None:
        id = str(uuid4())
        ended = self._ends[id] = asyncio.get_running_loop().create_future()
        body = msgspec.json.encode(
            {"prompt": self._graph(size, id), "prompt_id": id, "client_id": self._me}
        )
        async with self._session.post(f"{self._url}/prompt", data=body, headers=_JSON) as answer:
            await answer.read()
            assert answer.status == 200
        await ended
        async with self._session.get(f"{self._url}/history/{id}") as answer:
            entry = self._history.decode(await answer.read())[id]
        image = entry.outputs["3"].images[0]
        where = {
            "filename": image.filename,
            "subfolder": image.subfolder,
            "type": image.type,
        }
        async with self._session.get(f"{self._url}/view", params=where) as answer:
            assert (await answer.read()).endswith(_END)

    def _graph(self, size: int, id: str) -> dict[str, Any]:
        empty = {"width": size, "height": size, "batch_size": 1, "color": 3368601}
        noise = {"image": ["1", 0], "seed": next(self._seeds), "strength": 0.5}
        return {
            "1": {"class_type": "EmptyImage", "inputs": empty},
            "2": {"class_type": "ImageAddNoise", "inputs": noise},
            "3": {
                "class_type": "SaveImage",
                "inputs": {"images": ["2", 0], "filename_prefix": f"plain/{id}/image"},
            },
        }

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT and b'"executing"' in message.data:
                frame = self._frames.decode(message.data)
                if frame.data.node is None and frame.data.prompt_id in self._ends:
                    self._ends.pop(frame.data.prompt_id).set_result(None)


class OurClient:
    """POST /v1/batches and wait for its end, GET the files."""

    def __init__(self, url: str, **fields: object) -> None:
        self._url = url
        self._fields = fields

    async def __aenter__(self) -> OurClient:
        self._session = _session()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def draw(self, quantity: int, size: int) -> None:
        """So many pictures, in one batch."""
        batch = await self.order(quantity, width=size, height=size)
        if quantity == 1:
            await self.fetch(batch["urls"][0])
        else:
            await asyncio.gather(*(self.fetch(url) for url in batch["urls"]))

    async def order(self, quantity: int, *, wait: int = _WAIT, **fields: object) -> Any:
        """A batch as it is when it ended."""
        whose = {"user": "ann", "character": "mira", "prompt": ""}
        body = msgspec.json.encode({**whose, **self._fields, **fields, "quantity": quantity})
        headers = {**_JSON, "Prefer": f"wait={wait}"} if wait else _JSON
        where = f"{self._url}/v1/batches"
        async with self._session.post(where, data=body, headers=headers) as answer:
            batch = msgspec.json.decode(await answer.read())
        assert answer.status == 201, batch
        assert not wait or batch["status"] == "completed", batch
        return batch

    async def fetch(self, url: str) -> int:
        """A file; how many bytes it has."""
        async with self._session.get(url) as answer:
            data = await answer.read()
        assert data.endswith(_END)
        return len(data)


_JSON: Final = {"Content-Type": "application/json"}


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=2 * _WAIT),
    )
