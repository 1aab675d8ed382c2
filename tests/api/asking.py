"""HTTP as a client sees it: one connection per request, nothing followed, nothing repaired."""

from __future__ import annotations

import http.client
import itertools
import json
import socket
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.api.declared import undeclared

_users = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """What came back; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def problem(self, status: int, code: str) -> Any:
        """The body as a problem that is whole and of this kind."""
        body = self.json
        assert (self.status, body["code"]) == (status, code), body
        assert self.headers["content-type"] == "application/problem+json"
        assert body["type"] == f"/problems/{code}"
        assert body["status"] == status
        assert body["title"]
        assert body["detail"]
        assert body["request_id"] == self.headers["x-request-id"]
        assert body["instance"] == f"urn:uuid:{body['request_id']}"
        return body


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str

    @property
    def netloc(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; an absolute link of ours does for a path. What comes back is what the
        OpenAPI document says."""
        target = path.removeprefix(self.url)
        connection = http.client.HTTPConnection(self.netloc, timeout=30)
        try:
            sent = body.encode() if isinstance(body, str) else body
            connection.request(method, target, sent, dict(headers or {}))
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, names, response.read())
        finally:
            connection.close()
        kind = answer.headers.get("content-type", "")
        assert not (wrong := undeclared(method, target, answer.status, kind, answer.body)), wrong
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        """GET; `if_none_match=…` is the header If-None-Match."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", path, headers=named)

    def send(self, method: str, path: str, body: object, **headers: str) -> Answer:
        """A JSON body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Content-Type"] = "application/json"
        return self.ask(method, path, json.dumps(body), named)

    def post(self, body: object, **headers: str) -> Answer:
        """Order a batch."""
        return self.send("POST", "/v1/batches", body, **headers)

    def batch(self, quantity: int = 1, **fields: object) -> Any:
        """A batch that has ended."""
        answer = self.post(order(quantity=quantity, **fields), prefer="wait=60")
        assert answer.status == 201, answer.body
        return answer.json

    def raw(self, request: bytes) -> bytes:
        """What comes back to these bytes, until the server closes or falls silent."""
        host, port = self.netloc.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(request)
            connection.settimeout(2)
            answer = b""
            try:
                while piece := connection.recv(65_536):
                    answer += piece
            except (TimeoutError, ConnectionResetError):
                pass
            return answer

    def stream(self, path: str, **headers: str) -> Generator[dict[str, str], None, None]:
        """Server-sent events: their fields, comments under the empty name."""
        connection = http.client.HTTPConnection(self.netloc, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request("GET", path, headers=named)
            response = connection.getresponse()
            assert response.status == 200, response.read()
            assert response.getheader("content-type", "").startswith("text/event-stream")
            yield from _events(response)
        finally:
            connection.close()


def new_user() -> str:
    """A user nobody ordered for yet."""
    return f"user{next(_users)}"


def order(**fields: object) -> dict[str, object]:
    """A good order."""
    return {"user": "ann", "character": "mira", "prompt": "at the sea", "quantity": 1} | fields


def _events(response: http.client.HTTPResponse) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    for line in response:
        name, _, value = line.decode().rstrip("\n").partition(":")
        if line == b"\n":
            yield fields
            fields = {}
        else:
            fields[name] = value.removeprefix(" ")
