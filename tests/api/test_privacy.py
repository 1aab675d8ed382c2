"""Private: every route, asked with every key for everybody's things, gives what the key reaches.

No byte of what it does not reach is in an answer: no id, user, prompt, index, seed, hash or name of
a file, and what is asked for by its id is answered as if it had never been there.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import pytest

from safelight.core.rights import rights_of
from safelight.core.signing import secret_of
from safelight.database import embedded
from safelight.database.connection import open_database
from safelight.gateway.keymaking import KeyMaker
from tests.api.asking import Answer, Server
from tests.api.matrix import STREAM, TABLE, Route
from tests.conftest import TEMPLATE, _admin
from tests.processes import Processes
from tests.waiting import until

DATABASE: Final = "api_privacy"
ANN, BOB = "ann-4711", "bob-4711"
# Keys by the scopes they have; None is nobody's.
SCOPES: Final[Mapping[str, tuple[str, ...] | None]] = {
    "admin": ("admin",),
    "ann": (f"user:{ANN}",),
    "bob": (f"user:{BOB}",),
    "mira": ("character:mira",),
    "ann's opal-fever": (f"user:{ANN}", "character:opal-fever"),
    "none": None,
}
CONFIG: Final = f'[webhooks]\nsecret = "{secret_of(bytes(32))}"\nallow_private = true\n'
NEVER: Final = "00000000-4711-4711-8711-000000004711"
# Indices, seeds and names that are nowhere by chance.
START: Final = "insert into series values ($1, $2, $3, '\\x00')"


@dataclass(frozen=True)
class Owned:
    """What somebody has: one batch of two pictures in one series."""

    user: str
    character: str
    batch: Any
    images: tuple[Any, ...]
    delivery: str

    def marks(self) -> set[str]:
        """Texts that are in nobody else's answers."""
        told: set[str] = {self.batch["id"], self.batch["prompt"], self.delivery}
        for image in self.images:
            told |= {image["id"], str(image["index"]), str(image["seed"])}
            told |= {image["sha256"], image["pixels_sha256"], image["name"], image["prompt_id"]}
        return told


@dataclass(frozen=True)
class Scene:
    """A server with keys, and what everybody has."""

    server: Server
    keys: Mapping[str, str | None]
    owned: tuple[Owned, ...]
    webhook: str
    beginning: str  # an id of the stream of all events, before all that is owned

    def reaches(self, key: str, one: Owned) -> bool:
        """Whether a key reaches what somebody has; the rights themselves have tests in the core."""
        scopes = SCOPES[key]
        return scopes is not None and rights_of(key, scopes).reaches(one.user, one.character)

    def ask(self, key: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request with a key."""
        text = self.keys[key]
        if text is not None:
            headers["Authorization"] = f"Bearer {text}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        sent = None if body is None else json.dumps(body)
        return self.server.ask(method, path, sent, headers)


@pytest.fixture(scope="module")
def scene(postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One server for the whole matrix."""
    asyncio.run(_admin(postgres, f"create database {DATABASE} template {TEMPLATE}"))
    folder = quote(str(postgres.data / "cluster"), safe="")
    url = f"postgresql://{postgres.user}@/{DATABASE}?host={folder}"
    keys = asyncio.run(_made({**postgres.connect_arguments(), "database": DATABASE}))
    started = Processes(tmp_path_factory.mktemp("privacy"), url)
    try:
        serving = started.serve([started.simulate(seconds=0.02).url], config=CONFIG)
        yield _scene(Server(serving.url), keys)
    finally:
        started.stop_all()


async def _made(arguments: Mapping[str, Any]) -> dict[str, str | None]:
    """All keys, and series that go on from numbers which are nowhere else."""
    database = await open_database(arguments)
    try:
        wanted = {name: scopes for name, scopes in SCOPES.items() if scopes}
        made = await asyncio.gather(*(KeyMaker(database).create(s) for s in wanted.values()))
        async with database.session() as c:
            for number, (user, character) in enumerate(_pairs(), 1):
                await c.execute(START, user, character, number * 1_234_567)
    finally:
        await database.close()
    return {"none": None, **{name: text for name, (_, text) in zip(wanted, made, strict=True)}}


def _pairs() -> list[tuple[str, str]]:
    return [(user, character) for user in (ANN, BOB) for character in ("mira", "opal-fever")]


def _scene(server: Server, keys: Mapping[str, str | None]) -> Scene:
    bare = Scene(server, keys, (), "", "")
    hook = {"url": "http://127.0.0.1:9/all", "events": ["batch.completed"]}
    webhook = bare.ask("admin", "POST", "/v1/webhooks", hook).json["id"]
    stream = server.stream("/v1/events", authorization=f"Bearer {keys['admin']}")
    next(stream)  # it listens
    _drawn(bare, "zoe-4711", "mira", 1)
    beginning = next(told["id"] for told in stream if told.get("event") == "batch.completed")
    stream.close()
    owned = tuple(_drawn(bare, *pair, n) for n, pair in enumerate(_pairs(), 2))
    return Scene(server, keys, owned, webhook, beginning)


def _drawn(scene: Scene, user: str, character: str, number: int) -> Owned:
    order = {
        "user": user,
        "character": character,
        "prompt": f"prompt-of-{user}-and-{character}",
        "quantity": 2,
        "seed": number * 7_654_321,
        "webhook": {"url": f"http://127.0.0.1:9/{user}", "events": ["batch.created"]},
    }
    batch = scene.ask("admin", "POST", "/v1/batches", order, Prefer="wait=60").json
    assert batch["status"] == "completed"
    told = f"/v1/batches/{batch['id']}/deliveries"
    until(lambda: scene.ask("admin", "GET", told).json["data"])
    delivery = scene.ask("admin", "GET", told).json["data"][0]["id"]
    images = (scene.ask("admin", "GET", f"/v1/images/{i['id']}").json for i in batch["images"])
    return Owned(user, character, batch, tuple(images), delivery)


def test_the_matrix_has_every_route(scene: Scene) -> None:
    """Whoever adds a route says here who gets what from it."""
    document = scene.ask("admin", "GET", "/openapi.json").json
    there = {f"{verb.upper()} {path}" for path, ways in document["paths"].items() for verb in ways}
    assert there == {route.name for route in TABLE} | {STREAM}


def test_every_key_at_every_route_for_everybodys_things(scene: Scene) -> None:
    """Key × route × owner: each cell has its status, and nothing of what is out of reach."""
    wrong = [
        f"{key}, {route.name}, {one.user}/{one.character}: {said}"
        for route in TABLE
        for key in SCOPES
        for one in (
            scene.owned if route.kind in ("owned", "character", "order") else scene.owned[:1]
        )
        for said in _cell(scene, route, key, one)
    ]
    assert wrong == []


def _cell(scene: Scene, route: Route, key: str, one: Owned) -> Iterator[str]:
    """What is wrong with one cell."""
    expected = _expected(scene, route, key, one)
    path, body = _filled(scene, route, one), _body(route, one)
    methods = ("HEAD", "GET") if route.method == "GET" else (route.method,)
    for method in methods:
        answer = scene.ask(key, method, path, body, **route.headers)
        if answer.status != expected:
            yield f"{method} gives {answer.status} instead of {expected}: {answer.body[:300]!r}"
        for mark in _foreign(scene, key) - _said(path, body):
            if mark in _whole(answer):
                yield f"{method} tells of {mark}"
    if route.kind == "owned" and expected == 404 != route.ok:
        nothing = scene.ask(key, route.method, _nowhere(route), body, **route.headers)
        if _anonymous(answer, path) != _anonymous(nothing, _nowhere(route)):
            yield f"is not answered as what never was: {answer} {nothing}"


def _expected(scene: Scene, route: Route, key: str, one: Owned) -> int:
    scopes = SCOPES[key]
    if route.kind == "open":
        return route.ok
    if scopes is None:
        return 401
    rights = rights_of(key, scopes)
    match route.kind:
        case "owned":
            return route.ok if scene.reaches(key, one) else 404
        case "admins":
            return route.ok if rights.admin else 403
        case "character":
            return route.ok if rights.reaches_character(one.character) else 404
        case "order" if not rights.reaches_user(one.user):
            return 403
        case "order" if not rights.reaches_character(one.character):
            return route.unknown
    return route.ok


def _filled(scene: Scene, route: Route, one: Owned) -> str:
    ids = {
        "batches": one.batch["id"],
        "images": one.images[0]["id"],
        "characters": one.character,
        "models": one.character,
        "workflows": "quick",
        "webhooks": scene.webhook,
    }
    return route.path.format(
        id=ids.get(route.what),
        index=one.images[0]["index"],
        user=one.user,
        character=one.character,
        delivery=one.delivery,
        name="b1" if route.what == "backends" else "nobody",
    )


def _nowhere(route: Route) -> str:
    return route.path.format(
        id=NEVER, index=4711_4711, user="zed-4711", character="nobody", delivery=NEVER
    )


def _body(route: Route, one: Owned) -> Any:
    if route.kind != "order":
        return route.body
    order = {"user": one.user, "prompt": one.batch["prompt"]}
    if route.what == "images":  # in the words of the OpenAI API
        return {**order, "model": one.character, "n": 1, "response_format": "url"}
    return {**order, "character": one.character, "quantity": 1}


def _foreign(scene: Scene, key: str) -> set[str]:
    """What no answer to this key may hold."""
    mine = [one for one in scene.owned if scene.reaches(key, one)]
    foreign = [one for one in scene.owned if one not in mine]
    marks = set().union(*(one.marks() for one in foreign)) if foreign else set()
    marks |= {one.user for one in foreign} - {one.user for one in mine}
    rights = rights_of(key, SCOPES[key] or ("user:nobody", "character:nobody"))
    characters = {one.character for one in foreign if not rights.reaches_character(one.character)}
    return marks | (characters - {one.character for one in mine})


def _said(path: str, body: Any) -> set[str]:
    """What the request says itself may be repeated."""
    words = {word for word in re.split(r"[/?=&]", path) if word}
    return words | {str(value) for value in (body or {}).values()}


def _whole(answer: Answer) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{headers}\n\n{answer.body.decode('utf-8', 'replace')}"


def _anonymous(answer: Answer, path: str) -> tuple[int, dict[str, str], str]:
    """An answer without what is new each time, and without the words of its own path."""
    body = answer.body.decode("utf-8", "replace")
    body = body.replace(answer.headers["x-request-id"], "REQUEST")
    for word in sorted(path.split("/")[3:], key=len, reverse=True):
        body = body.replace(word, "WORD")
    passing = ("date", "x-request-id", "content-length")
    headers = {name: value for name, value in answer.headers.items() if name not in passing}
    return answer.status, headers, body


def test_lists_hold_what_a_key_reaches_and_no_more(scene: Scene) -> None:
    """Of a page as of the next one, and whatever is asked for by filters."""
    everybodys = {one.batch["id"]: one for one in scene.owned}
    for key, scopes in SCOPES.items():
        if scopes is None:
            continue
        mine = {id for id, one in everybodys.items() if scene.reaches(key, one)}
        assert _listed(scene, key, "?limit=1") & everybodys.keys() == mine
        for one in scene.owned:
            found = _listed(scene, key, f"?user={one.user}&character={one.character}")
            assert found & everybodys.keys() == {one.batch["id"]} & mine
        characters = {each["id"] for each in scene.ask(key, "GET", "/v1/characters").json["data"]}
        reached = rights_of(key, scopes).reaches_character
        assert characters == {id for id in ("mira", "opal-fever") if reached(id)}


def _listed(scene: Scene, key: str, query: str) -> set[str]:
    """The ids of all pages of the list of batches."""
    found: set[str] = set()
    page = scene.ask(key, "GET", f"/v1/batches{query}").json
    while True:
        found |= {one["id"] for one in page["data"]}
        if page["next_cursor"] is None:
            return found
        page = scene.ask(key, "GET", f"/v1/batches{query}&cursor={page['next_cursor']}").json


def test_the_stream_of_all_events_tells_a_key_what_it_reaches(scene: Scene) -> None:
    """From any place on: each hears the events of its own batches, all of them, in order."""
    batches = {one.batch["id"]: one for one in scene.owned}
    last = scene.owned[-1].batch
    everything = list(_heard(scene, "admin", lambda told: _ends(told, last["id"])))
    for key, scopes in SCOPES.items():
        if scopes is None:
            continue
        mine = [
            e
            for e in everything
            if e["batch"] in batches and scene.reaches(key, batches[e["batch"]])
        ]
        heard = _heard(scene, key, lambda told, mine=mine: told == mine[-1])
        assert list(heard) == mine, key
    answer = scene.ask("none", "GET", "/v1/events", **{"Last-Event-ID": scene.beginning})
    answer.problem(401, "unauthorized")


def _ends(told: Any, batch: str) -> bool:
    return bool(told["batch"] == batch and told["type"] == "batch.completed")


def _heard(scene: Scene, key: str, ended: Any) -> Iterator[Any]:
    headers = {"authorization": f"Bearer {scene.keys[key]}", "last_event_id": scene.beginning}
    stream = scene.server.stream("/v1/events", **headers)
    for fields in stream:
        if "id" in fields:
            told = json.loads(fields["data"])
            yield told
            if ended(told):
                break
    stream.close()


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "{key}",
        "Basic {key}",
        "Token {key}",
        "Bearer={key}",
        "Bearer {key} {key}",
        "Bearer {key},",
        'Bearer "{key}"',
        "Bearer {other}",
        "Bearer ä",
        "Bearer " + "a" * 5_000,
        "Bearer slk_" + "a" * 47,
        "Bearer slk_%00",
    ],
)
def test_a_key_that_is_spelled_otherwise_is_none(scene: Scene, spelling: str) -> None:
    """The answer does not repeat it."""
    key = str(scene.keys["admin"])
    sent = spelling.format(key=key, other=key.swapcase())
    headers = {"X-Forwarded-For": "203.0.113.1"}
    answer = scene.server.ask("GET", "/v1/batches", headers={**headers, "Authorization": sent})
    answer.problem(401, "unauthorized")
    assert not sent[7:].strip() or sent[7:] not in _whole(answer)


def test_two_keys_are_none_and_a_query_is_not_looked_at(scene: Scene) -> None:
    """Nor is a header of another name; the scheme is read in any case, and `Key` is one, too."""
    key = scene.keys["admin"]
    for lines in (
        f"Authorization: Bearer {key}\r\nAuthorization: Bearer {key}\r\n",
        f"Authorization: Bearer {key}\r\nAuthorization: Basic x\r\n",
        f"X-Api-Key: {key}\r\n",
        f"Cookie: key={key}; safelight_session={key}\r\n",
    ):
        request = f"GET /v1/batches HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{lines}\r\n"
        assert b" 401 " in scene.server.raw(request.encode()).split(b"\r\n")[0]
    for name in ("key", "api_key", "access_token", "authorization"):
        scene.ask("none", "GET", f"/v1/batches?{name}={key}").problem(401, "unauthorized")
    for scheme in ("bearer", "BEARER", "Key"):
        headers = {"Authorization": f"{scheme} {key}"}
        assert scene.server.ask("GET", "/v1/session", headers=headers).status == 200


def test_without_limits_an_order_with_a_key_is_not_counted(scene: Scene) -> None:
    """Nothing is said of quotas where there are none."""
    one = scene.owned[0]
    body = {"user": one.user, "character": one.character, "prompt": "", "quantity": 1}
    answer = scene.ask("admin", "POST", "/v1/batches", body)
    assert answer.status == 201
    assert not [name for name in answer.headers if "ratelimit" in name]


def test_nothing_but_health_is_there_without_a_key(scene: Scene) -> None:
    """Also no document, and no answer that tells an address from one that is none. The page, which
    is the same for everybody, has tests of its own."""
    for path in ("/docs", "/openapi.json", "/problems/gone", "/v1/nothing", "/v1/batches/x"):
        scene.ask("none", "GET", path).problem(401, "unauthorized")
    scene.ask("none", "PUT", "/v1/batches").problem(401, "unauthorized")
