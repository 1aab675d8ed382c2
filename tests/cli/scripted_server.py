"""A real HTTP server that speaks like Safelight and fails on demand, for tests of the client."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = web.StreamResponse
Act = Callable[[web.Request], Awaitable[Answer]]
PNG = bytes(range(256)) * 1000  # larger than one piece of a download


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str  # still quoted
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class ScriptedServer:
    """Answers each route with what was scripted for it, once each, then with its usual answer."""

    usual: dict[str, Act] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    script: dict[str, deque[Act]] = field(default_factory=lambda: defaultdict(deque))
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
        self._runner = None

    def next(self, route: str, *acts: Act) -> None:
        """What the route does at its next requests; a route is `POST /v1/batches`."""
        self.script[route].extend(acts)

    def requests(self, route: str) -> list[Asked]:
        """What was asked of a route."""
        return [asked for asked in self.asked if f"{asked.method} {asked.path}" == route]

    async def _handle(self, request: web.Request) -> Answer:
        route = f"{request.method} {request.raw_path.partition('?')[0]}"
        body = await request.json() if request.can_read_body else None
        method, path = route.split(" ")
        self.asked.append(Asked(method, path, dict(request.query), dict(request.headers), body))
        if self.script[route]:
            return await self.script[route].popleft()(request)
        if route in self.usual:
            return await self.usual[route](request)
        return await problem(404, "not-found", f"nothing at {path}")(request)


def says(body: Any, status: int = 200) -> Act:
    """JSON."""

    async def act(request: web.Request) -> Answer:
        return web.json_response(body, status=status)

    return act


def problem(
    status: int, code: str, detail: str, *, retry_after: int | None = None, **members: Any
) -> Act:
    """A problem document."""

    async def act(request: web.Request) -> Answer:
        headers = {"X-Request-Id": "r-1"}
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        body = {"status": status, "code": code, "title": "No", "detail": detail, **members}
        text = json.dumps(body)
        return web.Response(
            status=status, text=text, content_type="application/problem+json", headers=headers
        )

    return act


def page(html: str, status: int = 200) -> Act:
    """What some other program answers."""

    async def act(request: web.Request) -> Answer:
        return web.Response(text=html, content_type="text/html", status=status)

    return act


async def hangs_up(request: web.Request) -> Answer:
    """Without a word."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def streams(*pieces: bytes, breaks: bool = False, after: float = 0.0) -> Act:
    """Server-sent events in these pieces; ends properly or breaks off, `after` so many seconds."""

    async def act(request: web.Request) -> Answer:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        await asyncio.sleep(after)
        if breaks:
            assert request.transport is not None
            request.transport.abort()
        return response

    return act


def sends(content: bytes, *, whole: bool = True, tag: str = "") -> Act:
    """A file, or its first half under the promise of all."""

    async def act(request: web.Request) -> Answer:
        headers = {"Content-Length": str(len(content)), **({"ETag": tag} if tag else {})}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(content if whole else content[: len(content) // 2])
        if not whole:
            assert request.transport is not None
            request.transport.abort()
        return response

    return act


def event(number: int, type: str, image: str | None = None, **data: Any) -> bytes:
    """An event as a batch's stream tells it."""
    body = {
        "type": type,
        "batch": "b1",
        "number": number,
        "image": image,
        "at": "2026-01-02T03:04:05.000000Z",
        "data": data,
    }
    return f"id: {number}\nevent: {type}\ndata: {json.dumps(body)}\n\n".encode()


def progress(image: str, step: int, steps: int) -> bytes:
    """Live news, without a number."""
    body = {"batch": "b1", "image": image, "step": step, "steps": steps}
    return f"event: progress\ndata: {json.dumps(body)}\n\n".encode()


def batch_json(
    status: str = "running", statuses: Sequence[str] = ("queued", "queued"), last_event: int = 1
) -> dict[str, Any]:
    """A batch `b1` of ann's mira, images `i2` and `i1`."""
    images = []
    for index, state in zip(range(len(statuses), 0, -1), statuses, strict=True):
        image: dict[str, Any] = {
            "id": f"i{index}",
            "index": index,
            "name": f"ann_mira_image_{index:05d}_.png",
            "status": state,
            "seed": 40 + index,
            "seed_replaced": False,
            "url": f"http://127.0.0.1:8080/v1/images/i{index}/file",
            "thumbnail_url": f"http://127.0.0.1:8080/v1/images/i{index}/thumbnail",
            "publications": [],
        }
        if state == "failed":
            image["error"] = {"code": "out-of-memory", "detail": "the backend ran out of memory"}
        images.append(image)
    ended = status in ("completed", "partial", "failed", "canceled")
    return {
        "id": "b1",
        "user": "ann",
        "character": "mira",
        "quantity": len(images),
        "status": status,
        "indices": [image["index"] for image in images],
        "images": images,
        "urls": [image["url"] for image in images],
        "url": images[0]["url"],
        "prompt": "at the sea",
        "last_event": last_event,
        "created_at": "2026-01-02T03:04:05.000000Z",
        "ended_at": "2026-01-02T03:04:09.500000Z" if ended else None,
        "deadline": "2026-01-03T03:04:05.000000Z",
        "eta": None,
    }
