"""The server's side of a transcript, played to our client over real HTTP and a real websocket.

A cursor walks through the recording: where the recorded client connected or posted, it waits until
ours does the same; where the server sent a frame, it is sent. Prompt ids are mapped to ours in the
order of the posts. What our client asks and the recorded one did not (it looks into the queue more
often) is answered from what has been played so far.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

TRANSCRIPTS = Path(__file__).parents[1] / "simulator" / "transcripts"
_PREFIX = "/proxy/comfy"


def recorded(name: str) -> list[dict[str, Any]]:
    """The lines of a transcript."""
    text = (TRANSCRIPTS / f"{name}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


class RecordedServer:
    """`async with RecordedServer("single_success") as server`, then speak to `server.url`."""

    def __init__(self, name: str, conn: str = "A") -> None:
        self.records = recorded(name)
        self.conn = conn
        self.heard: list[tuple[str, str, Any]] = []  # method, path, body of all requests
        self.ids: dict[str, str] = {}  # recorded prompt id -> ours
        self._running: list[str] = []
        self._pending: list[str] = []
        self._ended: set[str] = set()
        self._posts: dict[str, asyncio.Queue[_Post]] = defaultdict(asyncio.Queue)
        self._unanswered: dict[str, list[_Post]] = defaultdict(list)
        self._sockets: asyncio.Queue[web.WebSocketResponse] = asyncio.Queue()
        self._socket: web.WebSocketResponse | None = None
        self._transport: asyncio.WriteTransport | None = None

    @property
    def graphs(self) -> list[dict[str, Any]]:
        """The graphs the recorded client posted, in order."""
        return [r["body"]["prompt"] for r in self.records if self._is_post(r, "/prompt")]

    async def __aenter__(self) -> RecordedServer:
        app = web.Application(client_max_size=2**26)
        app.router.add_get(f"{_PREFIX}/ws", self._open)
        app.router.add_route("*", _PREFIX + "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}{_PREFIX}/"
        self._player = asyncio.create_task(self._play())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._player.cancel()
        if self._socket is not None:
            await self._socket.close()
        await self._runner.cleanup()

    def _is_post(self, record: dict[str, Any], path: str | None = None) -> bool:
        return (
            record["kind"] == "http"
            and record["dir"] == "out"
            and record["method"] == "POST"
            and path in (None, record["path"])
        )

    async def _play(self) -> None:
        for record in self.records:
            if self._is_post(record):
                arrived = await self._posts[record["path"]].get()
                self._unanswered[record["path"]].append(arrived)
            elif record["kind"] == "http" and record.get("method") == "POST":
                post = self._unanswered[record["path"]].pop(0)
                self._take(record, post.body)
                post.answer.set_result(record)
            elif record["kind"] == "ws" and record["conn"] == self.conn:
                await self._play_socket(record)

    async def _play_socket(self, record: dict[str, Any]) -> None:
        if record.get("event") == "connect":
            self._socket = await self._sockets.get()
        elif self._socket is None or record["dir"] == "out":
            return
        elif record.get("event") == "closed" and self._transport is not None:
            self._transport.abort()  # as a killed server does: code 1006
        elif "binary" in record:
            await self._socket.send_bytes(self._translated(base64.b64decode(record["b64"])))
            await asyncio.sleep(0.001)
        else:
            await self._socket.send_str(self._translated(record["json"]).decode())
            self._note(record["json"])
            await asyncio.sleep(0.001)  # not all at once, or progress would be summed up

    def _note(self, event: dict[str, Any]) -> None:
        prompt_id = event["data"].get("prompt_id")
        if event["type"] == "execution_start" and prompt_id in self._pending:
            self._pending.remove(prompt_id)
            self._running.append(prompt_id)
        if event["type"] == "executing" and event["data"]["node"] is None:
            self._running.remove(prompt_id)
            self._ended.add(prompt_id)

    def _translated(self, value: Any) -> Any:
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        for theirs, ours in self.ids.items():
            text = text.replace(theirs.encode(), ours.encode())
        return text

    async def _open(self, request: web.Request) -> web.WebSocketResponse:
        self.heard.append(("GET", "/ws", request.query["clientId"]))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.WriteTransport)
        self._transport = request.transport
        await self._sockets.put(socket)
        async for message in socket:
            self.heard.append(("WS", "/ws", json.loads(message.data)))
        return socket

    async def _answer(self, request: web.Request) -> web.Response:
        path = "/" + request.match_info["path"]
        body = await request.json() if request.can_read_body else None
        self.heard.append((request.method, path, body))
        if request.method == "POST" and any(self._is_post(r, path) for r in self.records):
            return await self._answer_post(path, body)
        if path == "/queue" and request.method == "GET":
            return web.Response(body=self._translated(self._queue()))
        if path.startswith("/history/"):
            return web.Response(body=self._translated(self._history(path.rpartition("/")[2])))
        if path == "/view" and request.method == "GET":
            return self._view(request)
        return web.Response(status=200 if request.method == "POST" else 404)

    async def _answer_post(self, path: str, body: Any) -> web.Response:
        post = _Post(body, asyncio.get_running_loop().create_future())
        await self._posts[path].put(post)
        record = await post.answer
        answer = record["body"]
        raw = answer.encode() if isinstance(answer, str) else self._translated(answer)
        return web.Response(status=record["status"], body=raw)

    def _take(self, record: dict[str, Any], body: Any) -> None:
        path = record["path"]
        if path == "/prompt" and record["status"] == 200:
            self.ids[record["body"]["prompt_id"]] = body["prompt_id"]
            self._pending.append(record["body"]["prompt_id"])
        if path == "/queue":
            ours = body.get("delete", [])
            self._pending = [theirs for theirs in self._pending if self.ids[theirs] not in ours]

    def _queue(self) -> Any:
        def item(prompt_id: str) -> list[Any]:
            return [list(self.ids).index(prompt_id), prompt_id, {}, {}, ["3"]]

        return {
            "queue_running": [item(prompt_id) for prompt_id in self._running],
            "queue_pending": [item(prompt_id) for prompt_id in self._pending],
        }

    def _history(self, ours: str) -> Any:
        for theirs, known in self.ids.items():
            if known == ours and theirs in self._ended:
                answers = [r["body"] for r in self._gets(f"/history/{theirs}")]
                return answers[-1]
        return {}

    def _view(self, request: web.Request) -> web.Response:
        for record in self._gets("/view?"):
            if f"filename={request.query['filename']}&" in record["path"] + "&":
                size = int(record["body"].strip("<> bytes"))
                return web.Response(body=b"\0" * size, content_type=record["ctype"])
        return web.Response(status=404)

    def _gets(self, path: str) -> list[dict[str, Any]]:
        return [
            record
            for record in self.records
            if record["kind"] == "http"
            and record["dir"] == "in"
            and record["method"] == "GET"
            and record["path"].startswith(path)
        ]


@dataclass(frozen=True, slots=True)
class _Post:
    body: Any
    answer: asyncio.Future[dict[str, Any]]
