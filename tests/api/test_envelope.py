"""What every request passes: sizes, hosts, origins, HEAD, and the answer to a fault of ours."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import structlog
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from safelight.api.envelope import Envelope
from tests.api.asking import Server, order

# --- over HTTP ------------------------------------------------------------------------------------


def test_every_answer_has_its_own_request_id(server: Server) -> None:
    answers = [server.get(path) for path in ("/healthz", "/healthz", "/nowhere", "/v1/batches")]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", id) for id in ids)


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/v1",
        "/v1/batches/",
        "/v1/batches/x/y",
    ],
)
def test_nothing_is_there(server: Server, path: str) -> None:
    server.get(path).problem(404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/batches", {"GET", "POST"}),
        ("POST", "/healthz", {"GET"}),
        ("PATCH", "/v1/characters/mira", {"GET", "PUT", "DELETE"}),
        ("PUT", "/v1/images/1e0f8d1c-6c35-4d3c-93a5-7e2c8d4f0a11", {"GET", "DELETE"}),
    ],
)
def test_a_method_that_is_not_allowed(
    server: Server, method: str, path: str, allowed: set[str]
) -> None:
    answer = server.ask(method, path)
    answer.problem(405, "method-not-allowed")
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_a_long_body_is_refused_before_it_is_read(server: Server) -> None:
    """Only the headers are sent: the answer cannot have waited for the body."""
    head = f"POST /v1/batches HTTP/1.1\r\nHost: {server.netloc}\r\nContent-Length: 1048577\r\n\r\n"
    answer = server.raw(head.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"too-large"' in answer
    assert b"connection: close" in answer.lower()


def test_a_long_body_of_unknown_length_is_counted(server: Server) -> None:
    head = (
        f"POST /v1/batches HTTP/1.1\r\nHost: {server.netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    answer = server.raw(head.encode() + chunk * 17)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"too-large"' in answer


def test_what_a_stranger_may_send_is_short(server: Server) -> None:
    """Whoever signs in sends a key and nothing else; it is refused by its length or while it is
    read."""
    body = json.dumps({"key": "k"}).ljust(4_097).encode()
    server.ask("POST", "/v1/session", body).problem(413, "too-large")
    head = (
        f"POST /v1/session HTTP/1.1\r\nHost: {server.netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    answer = server.raw(head.encode() + b"1001\r\n" + body + b"\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert server.ask("POST", "/v1/session", body[:-1]).status == 200


def test_a_body_of_exactly_the_limit_is_read(server: Server) -> None:
    body = json.dumps({"user": "../x"}).ljust(1_048_576)
    server.ask("POST", "/v1/batches", body).problem(422, "invalid-request")


@pytest.mark.parametrize("host", ["a/b", "user@host", "evil.com:99999", 'x"y', "[::::]", ""])
def test_a_hostile_host_is_refused(server: Server, host: str) -> None:
    """Also by those who need none: their links would lead where it says."""
    for version in ("1.1", "1.0"):
        head = f"DELETE /v1/session HTTP/{version}\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        answer = server.raw(head.encode())
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b'"code":"bad-host"' in answer


def test_who_needs_no_host_is_answered_without(server: Server) -> None:
    answer = server.raw(b"GET /v1/session HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_links_are_those_of_the_host_that_was_asked(server: Server) -> None:
    batch = server.batch()
    path = f"/v1/batches/{batch['id']}"
    assert batch["url"].startswith(f"{server.url}/v1/images/")
    elsewhere = server.get(path, host="images.example:8443").json
    assert elsewhere["url"].startswith("http://images.example:8443/v1/images/")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", "", "//"]
)
def test_pages_of_other_origins_may_not_order(server: Server, origin: str) -> None:
    server.post(order(), origin=origin).problem(403, "cross-origin")
    answer = server.ask("DELETE", "/v1/characters/mira", headers={"Origin": origin})
    answer.problem(403, "cross-origin")


def test_pages_of_other_origins_may_read_and_our_own_may_order(server: Server) -> None:
    assert server.get("/v1/batches?limit=1", origin="https://evil.example").status == 200
    assert server.post(order(quantity=0), origin=server.url).status == 422


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/v1/batches", "/openapi.json", "/docs", "/nowhere"]
)
def test_head_is_get_without_a_body(server: Server, path: str) -> None:
    head, get = server.ask("HEAD", path), server.get(path)
    assert head.status == get.status
    assert head.body == b""
    assert head.headers["content-type"] == get.headers["content-type"]


# --- around an application that fails -------------------------------------------------------------


async def through(app: Any, **scope: Any) -> list[Message]:
    """What the envelope sends for one request."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    whole = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "http_version": "1.1",
        "headers": [(b"host", b"h")],
        **scope,
    }
    await Envelope(app, max_body=1_000, public_url="https://pub.example/s")(whole, receive, send)
    return sent


async def test_a_fault_is_an_answer_without_details_and_a_line_in_the_log() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("a secret detail")

    with structlog.testing.capture_logs() as logged:
        start, body = await through(app)
    assert start["status"] == 500
    problem = json.loads(body["body"])
    assert problem["code"] == "internal-error"
    assert "secret" not in body["body"].decode()
    assert problem["request_id"] in problem["detail"]
    assert logged[0]["request_id"] == problem["request_id"]
    assert logged[0]["exc_info"]


async def test_a_fault_in_the_middle_of_an_answer_is_only_logged() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    with structlog.testing.capture_logs() as logged:
        sent = await through(app)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert len(logged) == 1


async def test_a_client_that_left_is_no_fault() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ClientDisconnect

    with structlog.testing.capture_logs() as logged:
        assert await through(app) == []
    assert logged == []


async def test_a_body_is_counted_while_it_is_read() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            await receive()

    start, _ = await through(app, method="POST")
    assert start["status"] == 413


async def test_a_page_behind_the_public_url_may_order() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    headers = [(b"host", b"inner:8080"), (b"origin", b"https://pub.example")]
    sent = await through(app, method="POST", headers=headers)
    assert sent[0]["status"] == 204


async def test_what_is_not_http_passes() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    await through(app, type="lifespan")
    assert seen == ["lifespan"]
