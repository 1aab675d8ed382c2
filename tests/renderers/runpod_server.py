"""RunPod's serverless API as a stand-in, with worker-comfyui on real (simulated) ComfyUIs behind.

As a process: `python -m tests.renderers.runpod_server --comfyui URL [--comfyui URL …]`, one worker
per ComfyUI; it prints `ready URL`. `/stand-in/jobs` lists every job there ever was, oldest first,
`/stand-in/faults` takes how often an accident is to happen. Both need no key: RunPod has neither.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.renderers.runpod_worker import Worker

KEY = "rpa_0123456789ABCDEF"
FINAL = ("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT")
MAX_BODY = 10 * 2**20  # bytes
RATES = {"run": 1_000, "status": 2_000, "cancel": 100}  # requests in ten seconds
_WEEK = 604_800_000  # ms
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Job:
    """One job; times are those of the loop's clock."""

    id: str
    input: Any
    posted: float
    ttl: float = 86_400.0
    execution_timeout: float = 600.0
    status: str = "IN_QUEUE"
    began: float | None = None
    ended: float | None = None
    output: Any = None
    error: str | None = None

    def told(self) -> dict[str, Any]:
        """As `/status` says it, keys sorted as RunPod sorts them."""
        told: dict[str, Any] = {"id": self.id, "status": self.status}
        if self.began is not None:
            told |= {"delayTime": round((self.began - self.posted) * 1000), "workerId": "w1"}
        if self.began is not None and self.ended is not None:
            told["executionTime"] = round((self.ended - self.began) * 1000)
        if self.output is not None:
            told["output"] = self.output
        if self.error is not None:
            told["error"] = self.error
        return dict(sorted(told.items()))


@dataclass
class StandIn:
    """An endpoint called `pictures`; `kept` is how long results are kept, in seconds."""

    comfyui: Sequence[str]
    bucket: bool = False
    kept: float = 1_800.0
    rates: dict[str, int] = field(default_factory=lambda: dict(RATES))
    url: str = ""
    ever: list[Job] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        upload = self._upload if self.bucket else None
        self._workers: asyncio.Queue[Worker] = asyncio.Queue()
        for address in self.comfyui:
            self._workers.put_nowait(Worker(address, upload))
        self._jobs: dict[str, Job] = {}
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._files: dict[str, bytes] = {}
        self._asked: dict[str, deque[float]] = defaultdict(deque)

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._guard])
        app.add_routes(
            [
                web.post("/v2/pictures/run", self._run),
                web.get("/v2/pictures/status/{id}", self._status),
                web.post("/v2/pictures/cancel/{id}", self._cancel),
                web.get("/v2/pictures/health", self._health),
                web.get("/bucket/{key}", self._file),
                web.get("/stand-in/jobs", self._list),
                web.post("/stand-in/faults", self._take_faults),
            ]
        )
        return app

    async def close(self) -> None:
        """End every job; those that are being stopped are left to it."""
        for job in self._jobs.values():
            if job.status not in FINAL and job.id in self._lives:
                self._lives[job.id].cancel()
        await asyncio.gather(*self._lives.values(), return_exceptions=True)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Key, rate, accidents; then the route."""
        parts = request.path.split("/")
        if parts[1] != "v2":
            return await handler(request)
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.Response(status=401)
        route = parts[3] if len(parts) > 3 else ""
        if not self._within_rate(route):
            return web.json_response({"error": "too many requests"}, status=429)
        if self._strikes(f"{route}-reset"):
            return _reset(request)
        if self._strikes(f"{route}-html"):
            return web.Response(text="<html>busy</html>", content_type="text/html")
        for status in (404, 429, 500, 502):
            if self._strikes(f"{route}-{status}"):
                return web.Response(status=status, text="<html>error</html>")
        return await handler(request)

    def _strikes(self, name: str) -> bool:
        if self.faults[name] <= 0:
            return False
        self.faults[name] -= 1
        return True

    def _within_rate(self, route: str) -> bool:
        asked, now = self._asked[route], _now()
        while asked and now - asked[0] > 10:
            asked.popleft()
        asked.append(now)
        return len(asked) <= self.rates.get(route, 2_000)

    async def _run(self, request: web.Request) -> web.StreamResponse:
        try:
            job = _job(await request.json())
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        waiting = sum(one.status == "IN_QUEUE" for one in self._jobs.values())
        if waiting > 50 and waiting > 500 * len(self.comfyui):
            return web.json_response({"error": "queue is full"}, status=429)
        self._jobs[job.id] = job
        self.ever.append(job)
        self._lives[job.id] = asyncio.create_task(self._live(job))
        if self._strikes("run-lost"):
            return _reset(request)
        return web.json_response({"id": job.id, "status": "IN_QUEUE"})

    async def _status(self, request: web.Request) -> web.StreamResponse:
        job = self._jobs.get(request.match_info["id"])
        if job is None:
            return web.json_response({"error": "job not found"}, status=404)
        if self._strikes("status-strange"):
            return web.json_response({"id": job.id, "status": "IN_LIMBO"})
        return web.json_response(job.told())

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        job = self._jobs.get(request.match_info["id"])
        if job is None:
            return web.json_response({"error": "job not found"}, status=404)
        if job.status not in FINAL:
            job.status, job.ended = "CANCELLED", _now()
            self._lives[job.id].cancel()
        return web.json_response({"id": job.id, "status": job.status})

    async def _health(self, _: web.Request) -> web.StreamResponse:
        states = Counter(job.status for job in self._jobs.values())
        counts = {"completed": states["COMPLETED"], "failed": states["FAILED"], "retried": 0}
        counts |= {"inProgress": states["IN_PROGRESS"], "inQueue": states["IN_QUEUE"]}
        idle = self._workers.qsize()
        busy = len(self.comfyui) - idle
        workers = {"idle": idle, "initializing": 0, "ready": idle, "running": busy, "throttled": 0}
        return web.json_response({"jobs": counts, "workers": workers})

    async def _live(self, job: Job) -> None:
        """A job from its queue to its end; its `ttl` ends it wherever it is, without a trace."""
        try:
            async with asyncio.timeout(job.ttl):
                worker = await self._workers.get()
                try:
                    await self._work(job, worker)
                finally:
                    self._workers.put_nowait(worker)
        except TimeoutError:
            job.status = "EXPIRED"  # for our own list only
            del self._jobs[job.id]
            return
        except asyncio.CancelledError:
            if job.status != "CANCELLED":
                raise
        job.ended = job.ended or _now()
        asyncio.get_running_loop().call_later(self.kept, self._jobs.pop, job.id, None)

    async def _work(self, job: Job, worker: Worker) -> None:
        job.status, job.began = "IN_PROGRESS", _now()
        try:
            async with asyncio.timeout(job.execution_timeout):
                result = await worker.handle(job.id, job.input)
        except TimeoutError:
            job.status = "TIMED_OUT"
            return
        job.error = result.pop("error", None)
        job.output = result or None
        job.status = "COMPLETED" if job.error is None else "FAILED"

    def _upload(self, job: str, filename: str, data: bytes) -> str:
        key = f"{job}-{filename}"
        self._files[key] = data
        signature = self._files[f"{key} signature"] = secrets.token_hex(16).encode()
        host = self.url.partition("/v2/")[0]
        return f"{host}/bucket/{key}?X-Amz-Expires=604800&X-Amz-Signature={signature.decode()}"

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if "Authorization" in request.headers:  # S3 refuses two ways of proving who one is
            return web.Response(status=400, text="<Error><Code>InvalidArgument</Code></Error>")
        key = request.match_info["key"]
        signature = self._files.get(f"{key} signature", b"").decode()
        if key not in self._files or request.query.get("X-Amz-Signature") != signature:
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        return web.Response(body=self._files[key], content_type="image/png")

    async def _list(self, _: web.Request) -> web.StreamResponse:
        jobs = [{"id": job.id, "status": job.status, "input": job.input} for job in self.ever]
        return web.json_response(jobs)

    async def _take_faults(self, request: web.Request) -> web.StreamResponse:
        self.faults.update(await request.json())
        return web.json_response(self.faults)


def _job(body: Any) -> Job:
    """A job as its body asks for it. Raises `ValueError`; what is unknown is passed over."""
    if not isinstance(body, dict) or not isinstance(body.get("input"), dict):
        raise ValueError("input is required and must be an object")
    policy = body.get("policy", {})
    if not isinstance(policy, dict):
        raise ValueError("policy must be an object")
    ttl = policy.get("ttl", 86_400_000)
    execution = policy.get("executionTimeout", 600_000)
    if type(ttl) is not int or not 10_000 <= ttl <= _WEEK:
        raise ValueError("policy.ttl must lie between 10 s and a week")
    if type(execution) is not int or not 5_000 < execution <= _WEEK:
        raise ValueError("policy.executionTimeout must be more than 5 s")
    return Job(f"{uuid.uuid4()}-u1", body["input"], _now(), ttl / 1000, execution / 1000)


def _reset(request: web.Request) -> web.StreamResponse:
    assert isinstance(request.transport, asyncio.WriteTransport)
    request.transport.abort()
    return web.Response()


def _now() -> float:
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def standing_in(stand_in: StandIn, port: int = 0) -> AsyncIterator[StandIn]:
    """The endpoint, listening on loopback while the block runs; its address is `url`."""
    runner = web.AppRunner(stand_in.app(), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    stand_in.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v2/pictures"
    try:
        yield stand_in
    finally:
        await stand_in.close()
        await runner.cleanup()


async def main() -> None:
    """Stand in until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--comfyui", action="append", required=True)
    parser.add_argument("--bucket", action="store_true")
    parser.add_argument("--faults", type=json.loads, default={})
    given = parser.parse_args()
    stand_in = StandIn(given.comfyui, bucket=given.bucket, faults=Counter(given.faults))
    async with standing_in(stand_in):
        print(f"ready {stand_in.url}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
