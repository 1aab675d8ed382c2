"""Many listeners in one process: raw connections, each with what it has heard."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

ENDINGS = ("batch.completed", "batch.partial", "batch.failed", "batch.canceled")


@dataclass
class Listener:
    """One who listens to a batch until it ends, and comes back whenever the stream breaks."""

    url: str
    batch: str
    heard: list[int] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)
    last: dict[str, Any] = field(default_factory=dict)  # of each type the latest
    connections: int = 0

    async def listen(self) -> None:
        """Until the batch has ended."""
        while not any(self.types[ending] for ending in ENDINGS):
            try:
                await self._connection()
            except OSError:
                await asyncio.sleep(0.2)

    async def _connection(self) -> None:
        host, port = urlsplit(self.url).netloc.split(":")
        # HTTP/1.0: the body is not cut into chunks and ends with the connection.
        head = f"GET /v1/batches/{self.batch}/events HTTP/1.0\r\nHost: {host}:{port}\r\n"
        head += f"Last-Event-ID: {self.heard[-1] if self.heard else 0}\r\n\r\n"
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(head.encode())
            status = await reader.readline()
            if b" 503 " in status or not status:
                raise ConnectionError("not yet")
            assert b" 200 " in status, status
            self.connections += 1
            await self._events(reader)
        finally:
            writer.close()

    async def _events(self, reader: asyncio.StreamReader) -> None:
        number, type = 0, ""
        async for line in reader:
            if line.startswith(b"id: "):
                number = int(line[4:])
            elif line.startswith(b"event: "):
                type = line[7:].decode().strip()
            elif line.startswith(b"data: "):
                self.last[type] = line[6:]
                self.types[type] += 1
            elif line == b"\n" and type:
                if number:
                    self.heard.append(number)
                number, type = 0, ""

    def of(self, type: str) -> Any:
        """The latest of a type."""
        return json.loads(self.last[type])


async def all_listening(listeners: list[Listener]) -> None:
    """Until each of them has heard something."""
    async with asyncio.timeout(60):
        while not all(listener.heard for listener in listeners):  # noqa: ASYNC110 - they do not tell
            await asyncio.sleep(0.02)
