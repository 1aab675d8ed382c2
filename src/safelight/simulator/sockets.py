"""Websockets: who is connected, and the one loop that tells them.

The loop sends to one socket after the other and waits for each, so a client that does not read
silences all the others. A socket that closes takes away whatever is registered under its id, also
a newer socket's place. Both are the real server's manners.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError, WSMsgType, web

FEATURES = {"supports_preview_metadata": True, "max_upload_size": 100 * 1024 * 1024}
LEGACY_PREVIEW = 1
PREVIEW_WITH_METADATA = 4

Hello = Callable[[str], list[str]]
Message = tuple[str | bytes, Any]  # the text or the bytes, and whom to tell (None: everybody)


@dataclass(eq=False)
class Client:
    """One open websocket."""

    ws: web.WebSocketResponse
    transport: asyncio.Transport | None
    features: dict[str, Any] = field(default_factory=dict)
    deaf: bool = False  # a fault: nothing is sent any more


class Sockets:
    """The sockets of one life of a server."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._clients: dict[str, Client] = {}
        self._open: set[Client] = set()

    def tell(self, event: str, data: dict[str, Any], sid: Any) -> None:
        """Queue an event, from any thread."""
        self._post(json_text({"type": event, "data": data}), sid)

    def tell_bytes(self, frame: bytes, sid: Any) -> None:
        """Queue a binary frame, from any thread."""
        self._post(frame, sid)

    def takes_metadata(self, sid: Any) -> bool:
        """Whether this client wants previews to say what they show."""
        client = self._clients.get(sid)
        return client is not None and client.features.get("supports_preview_metadata") is True

    def listens(self, sid: Any) -> bool:
        """Whether anybody would get what is told to this id."""
        return bool(self._clients) if sid is None else sid in self._clients

    async def publish(self) -> None:
        """Send what is queued, for ever. An id that cannot be hashed kills the server."""
        while True:
            content, sid = await self._messages.get()
            if sid is None:
                for client in list(self._clients.values()):
                    await _send(client, content)
            elif sid in self._clients:
                await _send(self._clients[sid], content)

    async def serve(self, request: web.Request, sid: str, hello: Hello) -> web.StreamResponse:
        """Keep one websocket until it closes; `hello` says what it hears first."""
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        transport = request.transport
        assert transport is None or isinstance(transport, asyncio.Transport)
        client = Client(ws, transport)
        self._clients[sid] = client
        self._open.add(client)
        try:
            for text in hello(sid):
                # it may be gone again: an older socket of this id took it away
                await _send(self._clients.get(sid), text)
            await self._listen(ws, sid)
        finally:
            self._open.discard(client)
            self._clients.pop(sid, None)
        return ws

    def drop(self) -> None:
        """Break every connection."""
        for client in list(self._open):
            if client.transport is not None:
                client.transport.abort()

    def deafen(self) -> None:
        """Send nothing more to those who are connected now."""
        for client in self._open:
            client.deaf = True

    async def _listen(self, ws: web.WebSocketResponse, sid: str) -> None:
        first = True
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                frame = json.loads(message.data)
            except json.JSONDecodeError:
                continue
            if first and isinstance(frame, dict) and frame.get("type") == "feature_flags":
                await self._negotiate(sid, frame.get("data") or {})
            first = False

    async def _negotiate(self, sid: str, features: dict[str, Any]) -> None:
        client = self._clients.get(sid)
        if client is not None:
            client.features = features
            await _send(client, json_text({"type": "feature_flags", "data": FEATURES}))

    def _post(self, content: str | bytes, sid: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(self._messages.put_nowait, (content, sid))
        except RuntimeError:
            return  # the loop is closed: the server has ended under the worker's hands


def json_text(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"))


def preview_frame(image: bytes, metadata: dict[str, Any] | None) -> bytes:
    """A JPEG as a binary frame, in the old form or, with metadata, in the new one."""
    if metadata is None:
        return struct.pack(">II", LEGACY_PREVIEW, 1) + image
    about = json_text(metadata).encode()
    return struct.pack(">II", PREVIEW_WITH_METADATA, len(about)) + about + image


def reset(transport: asyncio.Transport) -> None:
    """Close a connection by reset, as a dying process does."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _send(client: Client | None, content: str | bytes) -> None:
    if client is None or client.deaf:
        return
    try:
        if isinstance(content, str):
            await client.ws.send_str(content)
        else:
            await client.ws.send_bytes(content)
    except (ClientError, OSError, RuntimeError):
        return  # it is closing: its own handler takes it away
