"""A TCP proxy between two of our processes which stalls, resets or refuses, and mends."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Literal, TypeAlias

Trouble: TypeAlias = Literal["stall", "reset", "refuse"]
TROUBLES: Final[tuple[Trouble, ...]] = ("stall", "reset", "refuse")

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_NO_UPGRADE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Wire:
    """Passes bytes from its own port to another one, until it is told otherwise.

    `stall`: connections stay and come about, but no byte passes. `reset`: all are reset, also new
    ones. `refuse`: all are reset, and the port is closed. `deaf`: websockets are not upgraded.
    """

    def __init__(self, target: int, *, deaf: bool = False) -> None:
        self.target = target
        self.deaf = deaf
        self.port = 0
        self._trouble: Trouble | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def cut(self, trouble: Trouble) -> None:
        """From now on there is this trouble."""
        self._trouble = trouble
        if trouble == "stall":
            self._flows.clear()
            return
        if trouble == "refuse" and self._listener is not None:
            self._listener.close()
            self._listener = None
        self._reset_all()

    async def mend(self) -> None:
        """Bytes pass again; those that waited do so now."""
        self._trouble = None
        self._flows.set()
        if self._listener is None:
            await self.start()

    async def close(self) -> None:
        """Let go of everything."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._reset_all()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _reset_all(self) -> None:
        for writer in list(self._writers):
            _reset(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if self._trouble == "reset":
                return
            await self._flows.wait()
            await self._join(reader, writer)
        except OSError:
            pass  # nobody listens behind it: whoever asked is reset
        except asyncio.CancelledError:
            pass  # the stream's own callback would report it as an error
        finally:
            _reset(writer)
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers.add(far_writer)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far_writer, answer=writer))
                both.create_task(self._pump(far_reader, writer))
        except* OSError:
            pass
        finally:
            _reset(far_writer)
            self._writers.discard(far_writer)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: asyncio.StreamWriter | None = None,
    ) -> None:
        """Until one side has had enough; then the other one is told so."""
        while True:
            await self._flows.wait()
            data = await reader.read(65536)
            await self._flows.wait()
            if not data:
                raise ConnectionResetError("one side is gone")
            if self.deaf and answer is not None and data.startswith(b"GET /ws"):
                answer.write(_NO_UPGRADE)
                await answer.drain()
                answer.close()
                raise ConnectionResetError("no websockets here")
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def wire_to(url: str, *, deaf: bool = False) -> AsyncIterator[Wire]:
    """A wire to the server at this address."""
    wire = Wire(int(url.rsplit(":", 1)[1]), deaf=deaf)
    await wire.start()
    try:
        yield wire
    finally:
        await wire.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    if writer.is_closing():
        return
    raw = writer.get_extra_info("socket")
    with suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
