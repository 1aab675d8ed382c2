"""One ComfyUI server as a renderer.

Learned from ComfyUI 0.3.64, and kept to what newer servers promise as well: prompt ids are UUIDs,
the queue is asked before the history (a prompt moves from one to the other at once, so that the
other order can miss it), and nothing is ever stopped but by its own prompt id.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from types import MappingProxyType, TracebackType
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from safelight.core import correlation
from safelight.renderers.base import (
    Accepted,
    Answer,
    Fetched,
    Finished,
    Hint,
    InDoubt,
    Nowhere,
    OutputFile,
    Prompt,
    Refused,
    Rendered,
    Running,
    Sighting,
    Silent,
    Submission,
    Unfetched,
    Vitals,
    Waiting,
)
from safelight.renderers.comfyui_http import (
    Http,
    Patience,
    TooLarge,
    Unanswered,
    unlike_a_file,
)
from safelight.renderers.comfyui_socket import Socket
from safelight.renderers.comfyui_verdict import verdict

__all__ = ["ComfyUI", "Patience"]

_ANSWER_LIMIT = 16 * 2**20  # bytes
_PATIENCE = Patience()
_END_OF_PNG = bytes.fromhex("0000000049454e44ae426082")
_VERSION = re.compile(r"[\w.+-]{1,64}", re.ASCII)


class ComfyUI:
    """The `Renderer` for a ComfyUI, directly or behind a proxy.

    Example: `async with ComfyUI("https://gpu.example/comfy", token="…") as backend:
    await backend.submit(prompt)`. The path of `url` is kept. `token` is sent as
    `Authorization: Bearer`, `headers` with every request; `answer_limit` is in bytes and holds for
    everything but pictures. Raises `ValueError` for an url or a header that cannot be used.
    """

    settled_after = 15.0  # s; a cut cable delivered a given-up POST 12 s later (measured)
    look_every = 0.25  # s
    one_server = True

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        token: str | None = None,
        previews: bool = True,
        answer_limit: int = _ANSWER_LIMIT,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._http = Http(url, headers, token, answer_limit, patience)
        self._socket = Socket(self._http, previews, patience)
        self._wait = patience
        self._version: str | None = None

    def __repr__(self) -> str:
        return f"ComfyUI({str(self._http.base)!r})"

    async def __aenter__(self) -> ComfyUI:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def submit(self, prompt: Prompt) -> Submission:
        """Send it once, on a connection of its own, within `patience.submit` seconds."""
        try:
            body = self._body(prompt)
        except (
            msgspec.MsgspecError,
            TypeError,
            ValueError,
            OverflowError,
            RecursionError,
        ) as error:
            return Refused("unsendable", f"The graph cannot be written as JSON: {error}"[:2_000])
        try:
            answer = await self._http.post(self._url("prompt"), body, self._wait.submit)
        except Unanswered as trouble:
            return InDoubt(trouble.reason, trouble.sent)
        judged = verdict(answer, prompt.prompt_id)
        if isinstance(judged, Accepted):
            self._socket.numbered(judged.number)
        return judged

    async def look(self, prompt: Prompt, *, ended: bool = False) -> Sighting:
        """Where it is: queue, then history, then its own file; `ended` asks the history first."""
        try:
            if ended and (found := await self._in_history(prompt)):
                return found
            return (
                await self._in_queue(prompt.prompt_id)
                or await self._in_history(prompt)
                or await self._in_folder(prompt)
                or Nowhere()
            )
        except Unanswered as trouble:
            return Silent(trouble.reason, trouble.reached)

    async def fetch(self, file: OutputFile, limit: int) -> Answer:
        """Its bytes, at most `limit` of them, as many as the server announced."""
        timeout = aiohttp.ClientTimeout(total=self._wait.fetch, sock_read=self._wait.stall)
        try:
            answer = await self._http.get(
                _view(self._url("view"), file), limit=limit, timeout=timeout
            )
        except TooLarge as trouble:
            return Unfetched(trouble.reason, too_large=True)
        except Unanswered as trouble:
            return Unfetched(trouble.reason)
        if answer.status != 200:
            return Unfetched(f"HTTP {answer.status}", gone=answer.status == 404)
        if reason := unlike_a_file(answer.headers):
            return Unfetched(reason)
        return Fetched(answer.body)

    async def cancel(self, prompt_id: str) -> bool:
        """Delete or interrupt it; true when the queue no longer holds it.

        False after `patience.cancel` seconds, or at once when the backend does not answer.
        """
        if not prompt_id:  # an interrupt without an id would stop whatever runs
            return False
        try:
            async with asyncio.timeout(self._wait.cancel):
                return await self._cancel(prompt_id)
        except (TimeoutError, Unanswered):
            return False

    async def free(self) -> bool:
        """Ask it to unload models and free memory, which it does after the running prompt."""
        try:
            await self._command("free", {"unload_models": True, "free_memory": True})
        except Unanswered:
            return False
        return True

    async def probe(self) -> Vitals | Silent:
        """Whether it answers, which prompts it holds, and its version (asked once)."""
        try:
            running, waiting = await self._held()
        except Unanswered as trouble:
            return Silent(trouble.reason, trouble.reached)
        if self._version is None:
            self._version = await self._ask_version()
        return Vitals(running, waiting, self._version)

    def hints(self) -> AsyncGenerator[Hint, None]:
        """What it tells by itself, until `close()`; for one listener at a time. A slow listener
        gets every end, but only the latest step of each prompt; an outage is told once.
        """
        return self._socket.hints()

    async def close(self) -> None:
        """End the hints and let go of sockets; whatever is asked afterwards is not answered."""
        await self._socket.close()
        await self._http.close()

    def _url(self, *parts: str) -> URL:
        return self._http.base.joinpath(*parts)

    def _body(self, prompt: Prompt) -> bytes:
        return msgspec.json.encode(
            {
                "prompt": prompt.graph,
                "prompt_id": prompt.prompt_id,
                # Without one, its progress would be broadcast to every client of that server.
                "client_id": self._socket.client_id,
                "extra_data": {"extra_pnginfo": dict(prompt.extra_pnginfo)},
            }
        )

    async def _in_queue(self, prompt_id: str) -> Running | Waiting | None:
        running, waiting = await self._held()
        if prompt_id in running:
            return Running()
        if prompt_id in waiting:
            return Waiting(len(running) + waiting.index(prompt_id))
        return None

    async def _in_history(self, prompt: Prompt) -> Finished | None:
        document = await self._http.get_json(self._url("history", prompt.prompt_id))
        if not isinstance(document, dict):
            raise Unanswered("bad history: not an object")
        if prompt.prompt_id not in document:
            return None
        entry = document[prompt.prompt_id]
        try:
            return Finished(correlation.read_history(entry, prompt.prompt_id, prompt.output))
        except ValueError as error:
            raise Unanswered(f"bad history: {error}") from None

    async def _in_folder(self, prompt: Prompt) -> Finished | None:
        """Its file, if ComfyUI has forgotten the prompt. A half-written file is served like a whole
        one, so the last bytes must be those of a PNG.
        """
        file = prompt.expected
        if file is None:
            return None
        url = _view(self._url("view"), file)
        if (await self._found(url, method="HEAD")) is None:
            return None
        tail = await self._found(url, headers={"Range": f"bytes=-{len(_END_OF_PNG)}"})
        if tail is None or not tail.endswith(_END_OF_PNG):  # a proxy may send the whole file
            return None
        return Finished(Rendered((file,), cached=False))

    async def _found(
        self, url: URL, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> bytes | None:
        answer = await self._http.get(url, method=method, headers=headers)
        if answer.status in (200, 206):
            return answer.body
        if answer.status in (404, 416):  # 416: empty so far
            return None
        raise Unanswered(f"HTTP {answer.status}")

    async def _held(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        document = await self._http.get_json(self._url("queue"))
        try:
            return correlation.held(document)
        except ValueError as error:
            raise Unanswered(f"bad queue: {error}") from None

    async def _cancel(self, prompt_id: str) -> bool:
        await self._command("queue", {"delete": [prompt_id]})
        interrupted = False
        pause = 0.05
        while True:
            running, waiting = await self._held()
            if prompt_id in waiting:
                await self._command("queue", {"delete": [prompt_id]})
            elif prompt_id not in running:
                return True
            elif not interrupted:
                await self._command("interrupt", {"prompt_id": prompt_id})
                interrupted = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.5)

    async def _command(self, name: str, order: Mapping[str, Any]) -> None:
        body = msgspec.json.encode(order)
        answer = await self._http.post(self._url(name), body, self._wait.answer)
        if answer.status != 200:
            raise Unanswered(f"HTTP {answer.status}")

    async def _ask_version(self) -> str | None:
        try:
            document = await self._http.get_json(self._url("system_stats"))
        except Unanswered:
            return None
        match document:
            case {"system": {"comfyui_version": str(version)}} if _VERSION.fullmatch(version):
                return version
        return None


def _view(url: URL, file: OutputFile) -> URL:
    return url.with_query(
        {"filename": file.filename, "subfolder": file.subfolder, "type": file.type}
    )
