"""Hostile requests, byte by byte: odd headers, addresses, parameters and signatures.

To every kind of route, with a key and without. Each is answered as the faces answer, never with a
fault of ours; the server says nothing of a fault, and answers the next request.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import pytest

from safelight.database import embedded
from safelight.database.connection import open_database
from safelight.gateway.keymaking import KeyMaker
from tests.api.matrix import STREAM, TABLE
from tests.conftest import TEMPLATE, _admin
from tests.processes import Processes, Serving

DATABASE: Final = "api_hostile"
NEVER: Final = "5a0e1c7e-0000-4000-8000-000000000000"
INVALID: Final = b"Invalid HTTP request received."
LONG: Final = "x" * 1_000
# Read by some routes only; one of each is sent together.
HEADERS: Final[Mapping[str, Sequence[str]]] = {
    "Range": (
        *("bytes=0-", "bytes=-1", "bytes=5-2", "bytes=0-0,2-2", "items=0-1", "bytes=\xff-"),
        *("bytes=99999999999999999999-", "bytes=" + " " * 1_000 + "x", "bytes=--1", ""),
    ),
    "If-Range": ('"', "*", "\xff", LONG, ""),
    "If-None-Match": ('"' * 1_001, "W/", "\xff", '"sha256-', '*"'),
    "Last-Event-ID": (
        *("-1", "9" * 18, "9" * 19, "1e3", "\xff\xfe", "\xd9\xa3", "00000000-1-1", "1-", LONG),
        "ffffffff-9223372036854775807-9223372036854775807",
    ),
    "Idempotency-Key": ("", '"\\"', "\xff", LONG, '"' + "\\\\" * 500),
    "Prefer": ("wait=-1", "wait=" + "9" * 1_000, "wait" + " " * 1_000 + "=", 'wait="', "\xff"),
    "Traceparent": (
        *("00-" + "0" * 32 + "-" + "0" * 16 + "-01", "ff-" + "a" * 32 + "-" + "b" * 16 + "-01"),
        *(LONG, "\xff", "00-" + "a" * 32 + "-" + "b" * 16 + "-01-" + "-" * 1_000),
    ),
    "X-Stainless-Retry-Count": ("9" * 1_000, "-1", "\xff"),
    "X-Stainless-Read-Timeout": ("nan", "inf", "-1", "1e999", "9" * 1_000, "\xff"),
    "Content-Type": ("\xff", LONG, "multipart/form-data; boundary="),
    "X-Forwarded-Proto": ("javascript", "\xff", ""),
    "Accept-Encoding": ("gzip;q=" + "9" * 1_000, ";;;,,,", "\xff", "*;" * 1_000, " " * 1_000),
}
# Read before any route is: each is sent by itself, as whole lines.
FIRST: Final = (
    "Host: [::::]",
    "Host: a\r\nHost: b",
    "Host:",
    "Host: " + LONG,
    "Origin: http://[",
    "Origin: null",
    "Origin: " + LONG,
    "Sec-Fetch-Site: \xff",
    "Cookie: " + "=;" * 3_000,
    'Cookie: safelight_session="' + '\\"' * 3_000 + '"',
    "Cookie: safelight_session=a.1.b.c; safelight_session=a.999999999999.b.\xff",
    "Cookie: safelight_session=" + "." * 3_000,
    "Authorization: Bearer \xff",
    "Authorization: Bearer " + LONG,
    "Authorization: Basic Og==\r\nAuthorization: Bearer slk_",
    "X-Forwarded-For: , \xff, " + LONG,
    "Content-Length: 99999999999999999999",
    "Content-Length: -1",
    "Content-Length: 5\r\nContent-Length: 6",
    "Transfer-Encoding: gzip",
    "Expect: 100-continue\r\nContent-Length: 2000000",
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13",
    "X: y\r\n folded: yes",
    "no colon",
    "X: " + "a" * 70_000,
)
# One of each kind, and whether it is for everybody.
PASSED: Final = (
    ("GET", "/healthz", True),
    ("POST", "/v1/session", True),
    ("DELETE", "/v1/session", True),
    ("GET", "/v1/session", False),
    ("GET", "/v1/batches", False),
    ("POST", "/v1/batches", False),
    ("POST", "/v1/estimates", False),
    ("POST", "/v1/workflow-checks", False),
    ("HEAD", "/v1/images/{image}/file", False),
    ("GET", "/v1/batches/{batch}/events", False),
    ("POST", "/openai/v1/images/edits", False),
    ("GET", "/openai/v1/nothing", False),
    ("GET", "/batches/x", True),
)
# The page and its files are for everybody, whatever their names.
PAGE: Final = (
    *("/", "/?%00", "/batches/%00", "/batches/" + LONG, "/series/%ff/%ed%a0%80", "/workflows/%0a"),
    *("/series/..%2f..%2fx", "/static/%00/js/app.js", "/static/" + LONG + "/icon.svg?a=%zz"),
)
TARGETS: Final = (
    *PAGE,
    *("/static/", "/static/x/%00", "/static/../v1/batches", "/static/%2e%2e/%2e%2e/etc/passwd"),
    *(
        "/static/x/..%5c..%5cauth.py",
        "/static/x/js/app.js%00",
        "/static/x/" + LONG,
        "/queue%0a",
        "/series/..%2f..%2fv1/x",
    ),
    *("*", "//", "//v1/batches", "/v1//batches", "/v1/batches/", "/v1/batches/.."),
    *("http://elsewhere.example/v1/batches", "v1/batches", "/v1/batches;x", "/V1/batches"),
    *("/v1/batches/%00", "/v1/batches/%ff%fe", "/v1/batches/%ed%a0%80", "/v1/batches/%", "/%2e%2e"),
    *("/v1/batches/" + LONG, "/v1/batches/%7b%7d/events", "/v1/batches?" + "a=1&" * 2_000),
    *("/v1/series/%00/mira", "/v1/series/ann/mira/images/%00", "/v1/series/ann/mira/images/0"),
    *("/v1/series/ann/mira/images/" + "9" * 5_000, "/v1/series/ann%2Fmira/mira", "/v1/series/ /x"),
    *("/v1/images/%00/file", "/v1/images/{image}%00/file", "/v1/images/{image}/file%0a"),
    *("/v1/characters/%00", "/v1/characters/..%2f..", "/openai/v1/models/%00", "/openai"),
    *(
        "/openai/v1/models/" + LONG,
        "/problems/%00",
        "/problems/../docs",
        "/v1/session/",
        "/metrics/",
    ),
    *("/v1/images/{image}/thumbnail?width=320&width=16", "/v1/images/{image}/file?a=%zz"),
)
PARAMETERS: Final = (
    *("/v1/batches?user=", "/v1/batches?character=", "/v1/batches?status=", "/v1/batches?limit="),
    *("/v1/batches?cursor=", "/v1/batches?", "/v1/batches/{batch}/deliveries?cursor="),
    *("/v1/batches/{batch}/deliveries?status=", "/v1/batches/{batch}/events?last_event_id="),
    *("/v1/events?last_event_id=", "/v1/series/ann/mira/images?before=", "/v1/session?"),
    *("/v1/series/ann/mira/images?created_before=", "/v1/series/ann/mira/indices?status="),
    *("/v1/series/ann/mira/indices?starred=", "/v1/series/ann/mira/indices?created_before="),
    *("/v1/series/ann/mira/download.zip?indices=", "/v1/series?user=", "/v1/series?cursor="),
    *("/v1/series/ann/mira/images?limit=", "/v1/images/{image}/thumbnail?width="),
    *(
        "/v1/images/{image}/preview?n=",
        "/v1/images/{image}/preview?quiet=",
        "/v1/images/{image}/file?sig=",
        "/healthz?",
        "/metrics?",
    ),
    *("/v1/images/{image}/file?exp=1&kid=a&sig=", "/v1/images/{image}/file?kid=a&sig=b&exp="),
)


def _cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


VALUES: Final = (
    *("", "%00", "-1", "0", "1.5", "9" * 19, "9" * 5_000, "%ff%fe", "[]", "null", "NaN", "%d9%a3"),
    *("%0d%0aX-Y:%20z", "'--", "%22", "%", "&&&==", "+", LONG, "2000-01-01", "%f0%9f%98%80"),
    *(_cursor("0001-01-01T00:00:00+23:59", NEVER), _cursor("9999-12-31T23:59:59-23:59", NEVER)),
    *(_cursor("2026-11-22T12:00:00Z", "x"), _cursor(), _cursor(None, None), _cursor([], {})),
    *("00000000-0-0", "ffffffff-9223372036854775807-9223372036854775807", "a" * 8 + "-1-1"),
)


@dataclass(frozen=True)
class Came:
    """What came back; of an event stream only how it begins."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def fault(self) -> str | None:
        """What is wrong with it as an answer to anything."""
        kind = self.headers.get("content-type", "")
        if not 200 <= self.status < 500:
            return f"{self.status}: {self.body[:300]!r}"
        if self.status < 400 or not self.body:
            return None
        if kind == "application/problem+json" and json.loads(self.body)["code"]:
            return None
        if kind == "application/json" and json.loads(self.body)["error"]["message"]:
            return None
        # What is no HTTP is answered before anybody could know what was asked.
        if self.status == 400 and self.body == INVALID:
            return None
        return f"{self.status} is no problem but {kind}: {self.body[:300]!r}"


@dataclass(frozen=True)
class Target:
    """A server with keys, hers and an administrator's, and a batch of ann's."""

    serving: Serving
    ann: str
    root: str
    batch: str
    image: str

    @property
    def netloc(self) -> str:
        """Host and port."""
        return urlsplit(self.serving.url).netloc

    def filled(self, path: str) -> str:
        """A path with ids in it."""
        return path.replace("{batch}", self.batch).replace("{image}", self.image)

    def send(self, method: str, target: str, *lines: str, key: str | None) -> Came:
        """One request; lines that name a host take the place of ours."""
        head = [f"{method} {self.filled(target)} HTTP/1.1", "Connection: close", *lines]
        if not any(line.startswith("Host:") for line in lines):
            head.append(f"Host: {self.netloc}")
        if key and not any(line.startswith("Authorization:") for line in lines):
            head.append(f"Authorization: Bearer {key}")
        return self._answer("\r\n".join([*head, "", ""]).encode("latin-1"))

    def _answer(self, request: bytes) -> Came:
        host, port = self.netloc.split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            answer = b""
            with suppress(ConnectionError):
                connection.sendall(request)
            with suppress(ConnectionError):
                while piece := connection.recv(65_536):
                    answer += piece
                    if b"\r\n\r\n" in answer and b"text/event-stream" in answer:
                        break
        if not answer:  # refused before it was read to its end: the reset has overtaken the answer
            return Came(400, {}, INVALID)
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        headers = {name.lower(): value for name, _, value in pairs}
        return Came(int(first.split(" ")[1]), headers, body)


@pytest.fixture(scope="module")
def target(postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One server for all; it must have said nothing of a fault, and answer to the end."""
    asyncio.run(_admin(postgres, f"create database {DATABASE} template {TEMPLATE}"))
    folder = quote(str(postgres.data / "cluster"), safe="")
    started = Processes(
        tmp_path_factory.mktemp("hostile"),
        f"postgresql://{postgres.user}@/{DATABASE}?host={folder}",
    )
    try:
        serving = started.serve([started.simulate(seconds=0.02).url])
        batch = serving.order(1)
        keys = asyncio.run(_keys({**postgres.connect_arguments(), "database": DATABASE}))
        yield Target(serving, *keys, batch["id"], batch["images"][0]["id"])
        assert not [line for line in serving.process.lines if _tells_of_a_fault(line)]
    finally:
        started.stop_all()


async def _keys(arguments: Mapping[str, Any]) -> tuple[str, str]:
    database = await open_database(arguments)
    try:
        maker = KeyMaker(database)
        (_, ann), (_, root) = await asyncio.gather(
            maker.create(["user:ann"]), maker.create(["admin"])
        )
        return ann, root
    finally:
        await database.close()


def _tells_of_a_fault(line: str) -> bool:
    return any(word in line for word in ("request failed", '"level": "error"', "Traceback"))


def _routes(target: Target) -> Iterator[tuple[str, str, bool]]:
    """Method and path of every route but the one that deletes, and whether it is for everybody."""
    for route in TABLE:
        ids = {"batches": target.batch, "images": target.image, "models": "mira"}
        path = route.path.format(
            id=ids.get(route.what, NEVER if route.what == "webhooks" else "mira"),
            user="ann",
            character="mira",
            index=1,
            name="b1",
            delivery=NEVER,
        )
        if (route.method, route.what) != ("DELETE", "images"):
            yield route.method, path, route.kind == "open"
    yield (*STREAM.split(" "), False)  # type: ignore[misc]
    yield from (("GET", path, True) for path in ("/", "/series/ann/mira", "/favicon.ico"))
    for path in ("/docs", "/openapi.json", "/problems/gone", "/nowhere", "/openai/nowhere"):
        yield "GET", path, False


def _wrong(asked: object, came: Came, *, refused: bool) -> Iterator[str]:
    """What is wrong with an answer; `refused`: to whoever has shown no key."""
    fault = came.fault()
    if fault is None and refused and came.status < 400:
        fault = f"answered {came.status} without a key"
    if fault:
        yield f"{str(asked)[:200]}: {fault}"


def _answers(target: Target) -> bool:
    return target.send("GET", "/v1/session", key=target.ann).status == 200


def test_hostile_headers_at_every_route(target: Target) -> None:
    """All that a route may read together, each value at least once."""
    most = max(map(len, HEADERS.values()))
    bundles = [
        [f"{name}: {values[n % len(values)]}" for name, values in HEADERS.items()]
        for n in range(most)
    ]
    wrong = [
        told
        for (method, path, is_open), lines, key in itertools.product(
            _routes(target), bundles, (target.ann, target.root, None)
        )
        for told in _wrong(
            (method, path, lines, key is not None),
            target.send(method, path, *lines, key=key),
            refused=not (key or is_open),
        )
    ]
    assert wrong == []
    assert _answers(target)


def test_hostile_headers_that_everybody_passes(target: Target) -> None:
    """Who is asked, who asks, from where, how long it is: also what is no HTTP at all."""
    wrong: list[str] = []
    for (method, path, is_open), line, key in itertools.product(PASSED, FIRST, (target.ann, None)):
        came = target.send(method, path, line, key=key)
        wrong += _wrong((method, path, line, key is not None), came, refused=not (key or is_open))
    assert wrong == []
    assert _answers(target)


def test_hostile_addresses(target: Target) -> None:
    """Whatever stands in the first line; what is nowhere is 404 or 422, and without a key there is
    nothing but the page."""
    wrong: list[str] = []
    for method, path, key in itertools.product(
        ("GET", "HEAD", "BREW", "CONNECT"), TARGETS, (target.root, None)
    ):
        came = target.send(method, path, key=key)
        is_open = path in PAGE and method in ("GET", "HEAD")
        wrong += _wrong((method, path, key is not None), came, refused=not (key or is_open))
        if is_open and came.status != 200:
            wrong.append(f"{method} {path[:200]}: {came.status}")
    assert wrong == []
    assert _answers(target)


def test_hostile_parameters(target: Target) -> None:
    """Cursors, ids of events, numbers, names and signatures, each with everything it is not."""
    wrong: list[str] = []
    for path, value, key in itertools.product(PARAMETERS, VALUES, (target.ann, None)):
        if key and "sig=" in path:
            continue  # a signature decides, whoever sends it
        came = target.send("GET", path + value, key=key)
        is_open = key is not None or path.startswith("/healthz")
        wrong += _wrong((path, value, key is not None), came, refused=not is_open)
    assert wrong == []
    assert _answers(target)


def test_a_signed_link_is_one_thing_however_it_is_spelled(target: Target) -> None:
    """Whoever has it may write the same address in another way; any other address it does not
    open, and with a wrong signature not even a key does."""
    path = f"/v1/images/{target.image}/file"
    made = target.send("POST", f"/v1/images/{target.image}/links", key=target.ann)
    query = urlsplit(json.loads(made.body)["url"]).query
    pairs = query.split("&")
    for spelling in (
        f"{path}?{query}",
        f"{path}?{'&'.join(reversed(pairs))}",
        f"{path}?&{query}&&",
        f"{path}?{query.replace('exp=', '%65xp=')}",
        f"{path.replace('file', '%66ile')}?{query}",
    ):
        for method, lines in (("GET", ()), ("HEAD", ()), ("GET", ("Range: bytes=0-0",))):
            assert target.send(method, spelling, *lines, key=None).status in (200, 206), spelling
    for other in (
        f"{path}?{query}&exp=99999999999",
        f"{path}?exp=99999999999&{query}",
        f"{path}?{query}&kid=a",
        f"{path}?{query}&{pairs[-1]}",
        f"{path}?{query}&width=16",
        f"{path}?{query}%00",
        f"{path}?{query}=",
        f"{path}?{query.swapcase()}&sig=",
        f"{path.upper().replace('FILE', 'file').replace('/V1/IMAGES', '/v1/images')}?{query}",
        f"{path.replace('/file', '/thumbnail')}?{query}",
        f"{path}/?{query}",
        f"{path}%0a?{query}",
        f"/{path}?{query}",
        f"/v1/images/{target.image}?{query}",
        f"/v1/images/{target.image}/preview?{query}",
    ):
        assert target.send("GET", other, key=None).status in (401, 403), other
    for method in ("POST", "DELETE", "PUT"):
        assert target.send(method, f"{path}?{query}", key=None).status == 401
    altered = target.send("GET", f"{path}?{query}A", key=target.ann)
    assert (altered.status, json.loads(altered.body)["code"]) == (403, "signature-invalid")
    assert _answers(target)
