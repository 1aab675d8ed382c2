"""One RunPod serverless endpoint with worker-comfyui behind it, as a renderer.

RunPod names a job itself and tells the name once, in its answer to the POST. So a job whose answer
was lost cannot be looked for, and can only be waited out: each is sent with a limit on its whole
life and on its execution, after which it cannot exist any more. No job is ever sent twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from types import MappingProxyType, TracebackType
from typing import Final

import aiohttp
import msgspec
import structlog
from yarl import URL

from safelight.core.graph import feeding
from safelight.renderers.base import (
    Accepted,
    Answer,
    Connected,
    Errored,
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
)
from safelight.renderers.comfyui_http import Http, Patience, Reply, TooLarge, Unanswered
from safelight.renderers.runpod_jobs import Inline, Job, Jobs, Link, Picture, TooMuch
from safelight.renderers.runpod_links import Links, is_loopback
from safelight.renderers.runpod_verdict import State, Strange, state, submitted

__all__ = ["RunPod"]

log = structlog.get_logger()

_TTL: Final = 600.0  # s
_EXECUTION: Final = 300.0  # s
_MAX_FILE: Final = 64 * 2**20  # bytes
_MAX_JOB: Final = 10 * 2**20  # bytes, RunPod's own limit
_SLACK: Final = 2**20  # bytes of an answer beside the picture
_ARRIVES_WITHIN: Final = 20.0  # s: 3 until it is sent, 5 until it is given up, 12 on a cut cable
_PATIENCE: Final = Patience(submit=5.0, answer=10.0)
_HUSH: Final = 2.0  # s without a question after "too many requests", if it does not say how long
_HUSH_MOST: Final = 30.0  # s


class RunPod:
    """The `Renderer` for an endpoint, `https://api.runpod.ai/v2/ENDPOINT`.

    `ttl` and `execution_timeout` are seconds a job may live, and run; `max_file` is in bytes. For
    the rest see `ComfyUI`. Raises `ValueError` for an url or a header that cannot be used.
    """

    look_every = 0.5  # s
    one_server = False  # but workers that come and go

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        token: str | None = None,
        ttl: float = _TTL,
        execution_timeout: float = _EXECUTION,
        max_file: int = _MAX_FILE,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._http = Http(url, headers, token, _SLACK, patience)
        self._links = Links(is_loopback(self._http.base.host or ""), patience)
        self._secrets = [text for text in (token, *headers.values()) if text and len(text) > 3]
        self._policy = {
            "ttl": round(ttl * 1_000),
            "executionTimeout": round(execution_timeout * 1_000),
        }
        self._most = -(-max_file * 4 // 3) + _SLACK
        self._wait = patience
        self.settled_after = ttl + execution_timeout + _ARRIVES_WITHIN
        self._jobs = Jobs(self.settled_after)
        self._hushed_until = 0.0
        self._strange: set[str] = set()
        self._closed = asyncio.Event()

    def __repr__(self) -> str:
        return f"RunPod({str(self._http.base)!r})"

    async def __aenter__(self) -> RunPod:
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
        except (KeyError, msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
            return Refused("unsendable", f"The graph cannot be written as JSON: {error}"[:2_000])
        if len(body) > _MAX_JOB:
            return Refused("too-large", f"The workflow is larger than {_MAX_JOB} bytes.")
        posted = _now()
        try:
            answer = await self._http.post(self._url("run"), body, self._wait.submit)
        except Unanswered as trouble:
            return InDoubt(trouble.reason, trouble.sent)
        match submitted(answer):
            case str(job):
                self._jobs.remember(Job(job, prompt.prompt_id, posted))
                return Accepted(settled=False)
            case Refused(reason, detail, running, shut_out):
                return Refused(reason, self._clean(detail), running, shut_out)
            case doubt:
                return doubt

    async def look(self, prompt: Prompt, *, ended: bool = False) -> Sighting:
        """How its job is; `Nowhere` if this process has not sent it, or RunPod forgot it."""
        job = self._jobs.find(prompt.prompt_id)
        return await self._ask(job) if job else Nowhere()

    async def fetch(self, file: OutputFile, limit: int) -> Answer:
        """The picture of a job that was seen to be finished, or is asked for once more."""
        job = self._jobs.of(file)
        if job is None:
            return Unfetched("its job is not known here", gone=True)
        if job.picture is None:
            match await self._ask(job):
                case Nowhere():
                    return Unfetched("RunPod no longer has it", gone=True)
                case Silent(reason):
                    return Unfetched(reason)
        # Let go of at once: it may be large, and can be asked for again.
        picture, job.picture = job.picture, None
        match picture:
            case Inline():
                return picture.unpacked(limit)
            case Link(url):
                return await self._links.fetch(url, limit)
            case TooMuch():
                return Unfetched(f"more than {limit} bytes", too_large=True)
        return Unfetched("there is no picture so far")

    async def cancel(self, prompt_id: str) -> bool:
        """Cancel its job; true when RunPod says that it is over, false within `patience.cancel`
        seconds or where its job is not known here."""
        job = self._jobs.find(prompt_id)
        if job is None:
            return False
        try:
            async with asyncio.timeout(self._wait.cancel):
                await self._cancel(job)
        except (TimeoutError, Unanswered):
            return False
        job.picture = None
        return True

    async def free(self) -> bool:
        """False: there is no way to tell a worker behind the endpoint to free its memory."""
        return False

    async def probe(self) -> Vitals | Silent:
        """Whether the endpoint answers, and which of our own prompts it may still hold."""
        try:
            health = await self._http.get_json(self._url("health"))
        except Unanswered as trouble:
            return Silent(trouble.reason, trouble.reached)
        match health:
            case {"jobs": dict(), "workers": dict()}:
                return Vitals(*self._jobs.held())
        return Silent("not as RunPod answers", reached=True)

    async def hints(self) -> AsyncGenerator[Hint, None]:
        """That there is nothing to hear, and then nothing until `close()`."""
        yield Connected()
        await self._closed.wait()

    async def close(self) -> None:
        """End the hints and let go of sockets; whatever is asked afterwards is not answered."""
        self._closed.set()
        await self._links.close()
        await self._http.close()

    def _url(self, *parts: str) -> URL:
        return self._http.base.joinpath(*parts)

    def _body(self, prompt: Prompt) -> bytes:
        # An output names no node: with one saving node there is no doubt whose pictures they are.
        graph = {node: prompt.graph[node] for node in feeding(prompt.graph, prompt.output)}
        return msgspec.json.encode({"input": {"workflow": graph}, "policy": self._policy})

    async def _ask(self, job: Job) -> Sighting:
        """How a job is, and its picture kept if it has one."""
        if _now() < self._hushed_until:
            return self._as_before(job)
        try:
            answer = await self._status(job)
            if answer.status == 404:
                return Nowhere()
            if answer.status == 429:
                self._hushed_until = _now() + _pause(answer.headers.get("Retry-After", ""))
                return self._as_before(job)
            if answer.status != 200:
                return Silent(f"HTTP {answer.status}", reached=True)
            seen = self._understood(job, state(answer.body, job.id))
        except TooLarge:  # nothing but a picture makes it that long
            seen = self._finished(job, TooMuch())
        except Unanswered as trouble:
            return Silent(trouble.reason, trouble.reached)
        job.seen = seen
        job.over = isinstance(seen, Finished)
        return seen

    async def _status(self, job: Job) -> Reply:
        timeout = aiohttp.ClientTimeout(total=self._wait.fetch, sock_read=self._wait.answer)
        return await self._http.get(self._url("status", job.id), limit=self._most, timeout=timeout)

    def _as_before(self, job: Job) -> Sighting:
        """RunPod is there and asks for patience; a job that cannot exist any more gets none."""
        if isinstance(job.seen, Finished) or self._is_past(job):
            return Silent("HTTP 429", reached=True)
        return job.seen

    def _understood(self, job: Job, told: State) -> Sighting:
        match told:
            case Strange():
                if told not in self._strange and len(self._strange) < 20:
                    self._strange.add(told)
                    log.warning("unknown status of a job", status=str(told), taken_for="running")
                return Nowhere() if self._is_past(job) else Running()
            case Inline() | Link():
                return self._finished(job, told)
            case Finished(Errored(node, node_type, kind, message, memory)):
                return Finished(Errored(node, node_type, kind, self._clean(message), memory))
        return told

    def _finished(self, job: Job, picture: Picture) -> Finished:
        job.picture = picture
        return Finished(Rendered((job.file,), cached=False))

    def _is_past(self, job: Job) -> bool:
        return _now() - job.posted > self.settled_after

    async def _cancel(self, job: Job) -> None:
        pause = 0.1
        while not job.over:
            answer = await self._http.post(self._url("cancel", job.id), b"{}", self._wait.answer)
            if answer.status in (401, 403):
                raise Unanswered(f"HTTP {answer.status}")
            if isinstance(await self._ask(job), Nowhere):
                job.over = True
            if not job.over:
                await asyncio.sleep(pause)
                pause = min(2 * pause, 1.0)

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text


def _now() -> float:
    return asyncio.get_running_loop().time()


def _pause(after: str) -> float:
    return min(float(after), _HUSH_MOST) if after.isascii() and after.isdecimal() else _HUSH
