"""The shop of the examples, as its customers meet it: over HTTP, with cookies."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cli.terminal import free_port
from tests.client.test_real_server import key_with
from tests.processes import Process, Processes
from tests.waiting import until

SHOP = Path(__file__).parent.parent.parent / "examples" / "shop.py"


class Browser:
    """A customer: one cookie, and all that was ever sent to it."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._cookie = ""
        self.last_id = 0
        self.seen = b""

    def open(self, path: str, body: object = None, headers: Any = ()) -> Iterator[bytes]:
        """The lines of an answer, as they come."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Cookie": self._cookie, "Content-Type": "application/json", **dict(headers)}
        request = urllib.request.Request(self._url + path, data, sent)
        with urllib.request.urlopen(request, timeout=60) as answer:
            self._cookie = answer.headers.get("Set-Cookie", self._cookie).partition(";")[0]
            self.seen += str(answer.headers).encode()
            for line in answer:
                self.seen += line
                yield line

    def get(self, path: str, body: object = None) -> bytes:
        """A whole answer."""
        return b"".join(self.open(path, body))

    def refused(self, path: str) -> int:
        """The status of an answer that is none."""
        try:
            self.get(path)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        raise AssertionError(path)

    def told(self, number: str, after: int = 0) -> list[tuple[str, Any]]:
        """The events of an order to their end."""
        found: list[tuple[str, Any]] = []
        name = ""
        for line in self.open(f"/orders/{number}/events", headers={"Last-Event-ID": str(after)}):
            field, _, value = line.decode().strip().partition(": ")
            name = value if field == "event" else name
            self.last_id = int(value) if field == "id" else self.last_id
            if field == "data":
                found.append((name, json.loads(value)))
        return found


def shop(processes: Processes, port: int, url: str, key: str) -> Process:
    """The shop, on its port, when it is open."""
    command = [sys.executable, str(SHOP), "--port", str(port), "--data", "shop.sqlite3"]
    process = processes.spawn(command, {"SAFELIGHT_URL": url, "SAFELIGHT_KEY": key})
    until(lambda: is_open(port))
    return process


def is_open(port: int) -> bool:
    try:
        return bool(Browser(port).get("/"))
    except OSError:
        return False


def test_a_customer_orders_and_gets_the_pictures_whatever_dies(processes: Processes) -> None:
    """The shop is killed right after it has taken an order, while Safelight is away, and comes
    back: the customer gets four pictures, each told once, and they were drawn once. Others get
    nothing of it, and the key is in nothing that any browser was ever sent."""
    comfy = processes.simulate()
    key = key_with(processes, "user:*")
    serving = processes.serve([comfy.url])
    port = free_port()
    running = shop(processes, port, serving.url, key)
    ann, bob = Browser(port), Browser(port)
    for one in (ann, bob):
        assert b"<form>" in one.get("/")
        names = {each["name"] for each in json.loads(one.get("/characters"))}
        assert names == {"Mira", "Opal Fever"}
    serving.process.kill()
    wanted = {"character": "mira", "prompt": "at sea", "quantity": 4}
    number = json.loads(ann.get("/orders", wanted))["number"]
    running.kill()
    back = processes.start("serve", "--port", serving.url.rpartition(":")[2])
    back.line_with("http://")
    shop(processes, port, serving.url, key)
    events = ann.told(number)
    shown = [data for name, data in events if name == "picture"]
    assert sorted(each["index"] for each in shown) == [1, 2, 3, 4]
    assert events[-1] == ("end", {"pictures": 4, "ordered": 4, "cents": 1000})
    pictures = {ann.get(each["picture"]) for each in shown}
    assert len(pictures) == 4
    assert all(content.endswith(b"IEND\xaeB`\x82") for content in pictures)
    assert len(comfy.renderings()) == 4
    assert ann.told(number, after=ann.last_id) == []
    assert bob.refused(f"/orders/{number}/events") == 404
    assert bob.refused(shown[0]["picture"]) == 404
    assert ann.refused(f"/orders/{number}/pictures/5") == 404
    unknown = json.loads(bob.get("/orders", {**wanted, "character": "nobody"}))["number"]
    assert [name for name, _ in bob.told(unknown)] == ["refused"]
    for one in (ann, bob):
        assert key.encode() not in one.seen
        assert serving.url.encode() not in one.seen
