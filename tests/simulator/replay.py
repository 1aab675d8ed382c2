"""Plays a recorded transcript against a simulator and collects what comes back.

Requests go out in the recorded order. Before each, the player waits for the frames that had come
when the recording sent it or, for the events of running prompts, when it got the answer; never for
a time.
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image
from yarl import URL

Row = dict[str, Any]
PATIENCE = 30  # seconds for one frame; only a failing replay waits so long
TRANSCRIPTS = Path(__file__).parent / "transcripts"


@dataclass
class Account:
    """What was told: every answer, and every websocket's frames under `NAME#occurrence`."""

    answers: dict[int, Row] = field(default_factory=dict)
    sockets: dict[str, list[Any]] = field(default_factory=dict)


def rows_of(name: str) -> list[Row]:
    """A transcript's rows."""
    lines = (TRANSCRIPTS / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def recorded(rows: list[Row], skipped: frozenset[int]) -> Account:
    """The account that the recording gives."""
    account = Account()
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for index, row in enumerate(rows):
        if index in skipped:
            continue
        if row.get("event") == "connect":
            counts[row["conn"]] += 1
            names[row["conn"]] = f"{row['conn']}#{counts[row['conn']]}"
            account.sockets[names[row["conn"]]] = []
        elif row["dir"] == "in" and row["kind"] == "http":
            account.answers[index] = {key: row[key] for key in ("status", "ctype", "body")}
        elif row["dir"] == "in" and "event" not in row:
            account.sockets[names[row["conn"]]].append(_recorded_frame(row))
    return account


def _recorded_frame(row: Row) -> Any:
    if "json" in row:
        return row["json"]
    if row.get("truncated"):
        return {"preview": row["binary"], "about": row["meta"], "image": "jpeg"}
    return decoded(base64.b64decode(row["b64"]))


def decoded(frame: bytes) -> Any:
    """A preview frame, taken apart; its picture must decode and be small enough."""
    kind, second = struct.unpack(">II", frame[:8])
    about = json.loads(frame[8 : 8 + second]) if kind == 4 else second
    image = frame[8 + second :] if kind == 4 else frame[8:]
    with Image.open(BytesIO(image)) as picture:
        picture.load()
        assert max(picture.size) <= 512
        return {"preview": kind, "about": about, "image": str(picture.format).lower()}


Hook = Callable[["Player"], Awaitable[None]]


class Player:
    """Replays one transcript."""

    def __init__(
        self,
        rows: list[Row],
        skipped: frozenset[int],
        loose: frozenset[str],
        url: str,
        output: Path,
    ) -> None:
        self.account = Account()
        self.url = url
        self.output = output  # where the simulator saves
        self.ids: dict[str, str] = {}  # recorded prompt ids and the simulator's
        self._rows = rows
        self._skipped = skipped
        self._loose = loose  # recorded ids of prompts whose steps are not counted once they ended
        self._claimed: set[int] = set()
        self._open: dict[str, tuple[str, aiohttp.ClientWebSocketResponse]] = {}
        self._counts: Counter[str] = Counter()
        self._needed: dict[str, Counter[str]] = {}
        self._readers: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self.http = aiohttp.ClientSession(skip_auto_headers=["Content-Type"])

    async def play(self, hooks: Mapping[int, Hook]) -> Account:
        """The account of this replay; hooks run before the row of their number."""
        async with self.http:
            for index in range(len(self._rows)):
                if index in hooks:
                    await hooks[index](self)
                if index not in self._skipped:
                    await self._step(index)
            await self._wait(len(self._rows))
            for _, ws in self._open.values():
                await ws.close()
            await asyncio.gather(*self._readers)
        return self.account

    async def heard(self, name: str, at_least: int) -> None:
        """Until a socket has heard so many frames."""
        while len(self.account.sockets[name]) < at_least:
            await self._more(f"{name} to hear {at_least} frames")

    async def send(self, conn: str, text: str) -> None:
        """Say something on a socket, as the recording did without writing it down."""
        await self._open[conn][1].send_str(text)

    async def _step(self, index: int) -> None:
        row = self._rows[index]
        event = row.get("event")
        if row["dir"] == "note":
            return
        if event == "connect":
            await self._wait(index)
            await self._connect(row)
        elif event == "closed":
            await self._wait(index)
            _, ws = self._open.pop(row["conn"])
            self._needed.pop(row["conn"])
            await ws.close()
        elif row["dir"] == "out" and row["kind"] == "ws":
            await self.send(row["conn"], json.dumps(row["json"]))
        elif row["dir"] == "out":
            answer = self._answer_row(index)
            await self._wait(index, answer)
            await self._ask(row, answer)
        elif row["kind"] == "http" and index not in self._claimed:
            await self._ask(row, index)  # the recording left out what it sent: a bare request
        elif row["kind"] == "ws":
            self._need(row, self._needed[row["conn"]])

    async def _connect(self, row: Row) -> None:
        conn = row["conn"]
        self._counts[conn] += 1
        name = f"{conn}#{self._counts[conn]}"
        ws = await self.http.ws_connect(self.url + row["path"], max_msg_size=0)
        frames = self.account.sockets[name] = []
        self._open[conn] = (name, ws)
        self._needed[conn] = Counter()
        reader = asyncio.create_task(self._read(ws, frames))
        self._readers.add(reader)

    async def _read(self, ws: aiohttp.ClientWebSocketResponse, frames: list[Any]) -> None:
        async for message in ws:
            binary = message.type is aiohttp.WSMsgType.BINARY
            frames.append(decoded(message.data) if binary else json.loads(message.data))
            self._news.set()
        self._news.set()

    async def _ask(self, row: Row, answer: int) -> None:
        method, path = row["method"], self._renamed(row["path"])
        if "body" in row and row["dir"] == "out":
            data: Any = self._renamed(json.dumps(row["body"])).encode()
        else:
            data = row["raw"].encode() if "raw" in row else None
        async with self.http.request(
            method, URL(self.url + path, encoded=True), data=data
        ) as response:
            content = await response.read()
            told = {
                "status": response.status,
                "ctype": response.headers.get("Content-Type"),
                "body": _body(content, response.headers.get("Content-Type")),
            }
        body = self._rows[answer].get("body")
        if isinstance(body, str) and isinstance(told["body"], dict):
            told["body"] = json.dumps(told["body"])[: len(body)]  # the recording was cut there
        self.account.answers[answer] = told
        if path == "/prompt" and isinstance(body, dict) and "prompt_id" in body:
            self.ids[body["prompt_id"]] = told["body"]["prompt_id"]

    def _answer_row(self, index: int) -> int:
        row = self._rows[index]
        answer = next(
            later
            for later in range(index + 1, len(self._rows))
            if self._rows[later]["kind"] == "http"
            and self._rows[later]["dir"] == "in"
            and self._rows[later]["path"] == row["path"]
            and later not in self._claimed
        )
        self._claimed.add(answer)
        return answer

    def _renamed(self, text: str) -> str:
        for old, new in self.ids.items():
            if len(old) == 36:  # an id the server chose
                text = text.replace(old, new)
        return text

    async def _wait(self, index: int, answer: int = 0) -> None:
        """For all frames before this row, and a running prompt's before its answer."""
        needed = {conn: Counter(counts) for conn, counts in self._needed.items()}
        for row in self._rows[index:answer]:
            if row["kind"] == "ws" and row["dir"] == "in" and row["conn"] in needed:
                kind = _kind(row["json"]) if "json" in row else "status"
                if kind != "status" and kind[8:] not in self._loose:
                    needed[row["conn"]][kind] += 1
        for conn, counts in needed.items():
            name = self._open[conn][0]
            while not counts <= self._heard(name):
                await self._more(f"{counts - self._heard(name)} on {name} before row {index}")

    def _need(self, row: Row, needed: Counter[str]) -> None:
        if "json" not in row:
            return
        kind = _kind(row["json"])
        needed[kind] += 1
        if row["json"]["type"] == "execution_interrupted":
            for loose in self._loose:
                del needed[f"step of {loose}"]

    def _heard(self, name: str) -> Counter[str]:
        back = {new: old for old, new in self.ids.items()}
        kinds = (_kind(frame) for frame in self.account.sockets[name] if "type" in frame)
        return Counter(
            f"step of {back.get(kind[8:], kind[8:])}" if kind.startswith("step of ") else kind
            for kind in kinds
        )

    async def _more(self, what: str) -> None:
        self._news.clear()
        try:
            await asyncio.wait_for(self._news.wait(), PATIENCE)
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what}") from None


def _kind(frame: Any) -> str:
    kind = frame["type"]
    if kind == "progress_state":
        last = list(frame["data"]["nodes"].values())[-1]
        stepped = last["state"] == "running" and last["value"]
        return f"step of {frame['data']['prompt_id']}" if stepped else "execution"
    if kind == "progress":
        return f"step of {frame['data']['prompt_id']}"
    return "status" if kind == "status" else "execution"


def _body(content: bytes, kind: str | None) -> Any:
    if kind is not None and kind.startswith("application/json") and content:
        return json.loads(content)
    if kind is not None and kind.startswith("image/"):
        return f"<{len(content)} bytes>"
    return content.decode("utf-8", "replace")
