"""A server that answers with exactly the bytes a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from safelight.renderers.comfyui import Patience

Handler = Callable[["Call"], Awaitable[None]]

HASTE = Patience(
    submit=0.5,
    answer=0.5,
    fetch=0.8,
    stall=0.5,
    cancel=0.6,
    reconnect=0.01,
    reconnect_max=0.05,
    heartbeat=0.2,
)


@dataclass
class Call:
    """One request as it arrived, and where to answer."""

    line: str
    headers: dict[str, str]
    body: bytes
    peer: int  # the client's port
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, answer: bytes) -> None:
        """Send these bytes."""
        self.writer.write(answer)
        await self.writer.drain()


@dataclass
class RawServer:
    """Where it listens, and what it was asked."""

    url: str
    calls: list[Call] = field(default_factory=list)
    # How connections ended from the server's side: "closed", or the name of an error.
    ends: list[str] = field(default_factory=list)

    def paths(self, method: str) -> list[str]:
        """The paths asked with this method, in order."""
        lines = [call.line.split(" ") for call in self.calls]
        return [path for verb, path, _ in lines if verb == method]


@asynccontextmanager
async def raw_server(handle: Handler, *, keep: bool = False) -> AsyncIterator[RawServer]:
    """A server on a free port of loopback that gives every request to `handle`, then closes the
    connection unless it is to be kept.
    """
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            while call := await _read(reader, writer):
                server.calls.append(call)
                await handle(call)
                if not keep:
                    break
            server.ends.append("closed")
        except OSError as error:
            server.ends.append(type(error).__name__)
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server = RawServer(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    try:
        yield server
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Call | None:
    with suppress(asyncio.IncompleteReadError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        port = writer.get_extra_info("peername")[1]
        return Call(head[0], headers, body, port, reader, writer)
    return None


def ok(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """A complete answer."""
    head = [f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


async def eventually(met: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until the condition is met."""
    async with asyncio.timeout(seconds):
        while True:
            if met():
                return
            await asyncio.sleep(0.005)
