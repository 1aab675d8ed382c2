"""The websocket of one ComfyUI: kept open for ever, read eagerly, believed in nothing but haste.

A client that does not read its socket stops the events of every client of that server. So one task
does nothing but read, and a `Mailbox` stands between it and whoever wants the hints.

Every connection has a client id of its own: a server that still holds an old connection under the
same id would unregister the new one when the old one dies, and leave it deaf.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import AsyncGenerator

import aiohttp

from safelight.renderers.base import Connected, Disconnected, Hint
from safelight.renderers.comfyui_frames import Frames
from safelight.renderers.comfyui_http import Http, Patience, Unanswered, translated
from safelight.renderers.comfyui_mailbox import Mailbox

# Must be the first frame, else the server ignores it.
_FLAGS = '{"type":"feature_flags","data":{"supports_preview_metadata":true}}'


class Socket:
    """The hints of one backend. `client_id` is that of the connection that is open or comes next:
    prompts posted under it are heard of, if need be after the reconnect.
    """

    def __init__(self, http: Http, previews: bool, wait: Patience) -> None:
        self._http = http
        self._previews = previews
        self._wait = wait
        self._readers: set[asyncio.Task[None]] = set()
        self._mailbox: Mailbox | None = None  # of whoever listens
        self._number: float | None = None  # of the prompt that was accepted last
        self._closed = False
        self.client_id = ""
        self._fresh_id()

    async def hints(self) -> AsyncGenerator[Hint, None]:
        """What the backend tells, until `close()`; reconnects for ever."""
        if self._closed:
            return
        mailbox = self._mailbox = Mailbox()
        reader = asyncio.create_task(self._read(mailbox))
        self._readers.add(reader)
        reader.add_done_callback(lambda _: mailbox.finish())
        try:
            while (hint := await mailbox.take()) is not None:
                yield hint
        finally:
            self._readers.discard(reader)
            reader.cancel()
            await asyncio.wait([reader])
        if not reader.cancelled():
            reader.result()

    def numbered(self, number: float | None) -> None:
        """A prompt was accepted under this number. They rise, so a fallen one tells of a restart
        that no connection told of: behind a proxy it may have stayed open."""
        before = self._number
        fallen = number is not None and before is not None and number < before
        self._number = number
        if fallen and self._mailbox is not None:
            self._mailbox.put(Disconnected("its prompts are counted from the beginning again"))

    async def close(self) -> None:
        """End all readers, and with them their `hints()`."""
        self._closed = True
        readers = tuple(self._readers)
        for reader in readers:
            reader.cancel()
        if readers:
            await asyncio.wait(readers)

    async def _read(self, mailbox: Mailbox) -> None:
        client_id = self._fresh_id()
        pause = self._wait.reconnect
        told = False
        while True:
            began = time.monotonic()
            opened, reason = await self._connection(client_id, mailbox)
            if opened or not told:  # an outage is told once, however often its reconnects fail
                mailbox.put(Disconnected(reason))
                told = True
            client_id = self._fresh_id()
            # A connection that did not last is no reason to hurry.
            if opened and time.monotonic() - began > self._wait.reconnect_max:
                pause = self._wait.reconnect
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))
            pause = min(2 * pause, self._wait.reconnect_max)

    def _fresh_id(self) -> str:
        self.client_id = str(uuid.uuid4())
        return self.client_id

    async def _connection(self, client_id: str, mailbox: Mailbox) -> tuple[bool, str]:
        """One connection from beginning to end: whether it opened, and why it ended."""
        opened = False
        try:
            websocket = await self._http.websocket(client_id)
            try:
                with translated():
                    await websocket.send_str(_FLAGS)
                opened = mailbox.put(Connected())
                return opened, await self._drain(websocket, mailbox)
            finally:
                await websocket.close()
        except Unanswered as trouble:
            return opened, trouble.reason

    async def _drain(
        self, websocket: aiohttp.ClientWebSocketResponse[bool], mailbox: Mailbox
    ) -> str:
        frames = Frames(self._previews)
        async for message in websocket:
            hint: Hint | None = None
            if message.type is aiohttp.WSMsgType.TEXT:
                hint = frames.text(message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                hint = frames.binary(message.data)
            if hint is not None and not mailbox.put(hint):
                return "more hints than anybody takes"
        return f"websocket closed ({websocket.close_code})"
