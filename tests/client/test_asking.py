"""The client against a real HTTP server that loses answers, breaks streams and says no."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from safelight.client import (
    AsyncClient,
    BatchFailed,
    Conflict,
    InvalidRequest,
    NoServer,
    NotEnded,
    NotFound,
    PermissionDenied,
    ProblemError,
    ServerTrouble,
    TooManyRequests,
    Unauthorized,
    UnexpectedAnswer,
    WrongField,
)
from safelight.client.answers import seconds_in
from tests.cli.scripted_server import (
    Act,
    ScriptedServer,
    batch_json,
    event,
    hangs_up,
    page,
    problem,
    says,
    streams,
)

CREATE = "POST /v1/batches"
BATCH = "GET /v1/batches/b1"
EVENTS = "GET /v1/batches/b1/events"
FILE = "GET /v1/images/i1/file"
ORDER: dict[str, Any] = {"user": "ann", "prompt": "at the sea", "quantity": 2}


async def test_an_order_is_sent_with_its_fields_and_comes_back_as_a_record(
    server: ScriptedServer, client: AsyncClient
) -> None:
    server.next(CREATE, says(batch_json("queued"), 201))
    batch = await client.order("mira", **ORDER, seed=7, loras=[{"name": "a"}])
    [asked] = server.asked
    assert asked.body == {"character": "mira", **ORDER, "seed": 7, "loras": [{"name": "a"}]}
    assert (batch.id, batch.status, batch.ended) == ("b1", "queued", False)
    assert batch.indices == (2, 1)
    assert [(image.index, image.seed) for image in batch.images] == [(2, 42), (1, 41)]
    assert batch.raw == batch_json("queued")


async def test_every_call_has_a_key_of_its_own_unless_one_is_given(
    server: ScriptedServer, client: AsyncClient
) -> None:
    server.usual[CREATE] = says(batch_json())
    for key in (None, None, "mine"):
        await client.order("mira", **ORDER, idempotency_key=key)
    first, second, third = [asked.headers["Idempotency-Key"] for asked in server.asked]
    assert len({first, second, "mine"}) == 3
    assert third == "mine"


@pytest.mark.parametrize(
    "loss",
    [
        hangs_up,
        problem(503, "database-away", "come back"),
        problem(429, "slow-down", "later", retry_after=1),
        page("<h1>Bad Gateway</h1>", 502),
    ],
)
async def test_an_answer_that_was_lost_is_asked_for_again_under_the_same_key(
    server: ScriptedServer, client: AsyncClient, loss: Any
) -> None:
    server.next(CREATE, loss, loss)
    server.usual[CREATE] = says(batch_json())
    assert (await client.order("mira", **ORDER)).id == "b1"
    assert len(server.asked) == 3
    assert len({asked.headers["Idempotency-Key"] for asked in server.asked}) == 1


async def test_retry_after_is_waited_for(server: ScriptedServer, client: AsyncClient) -> None:
    server.next(BATCH, problem(503, "store-away", "come back", retry_after=1), says(batch_json()))
    began = time.monotonic()
    await client.batch("b1")
    assert time.monotonic() - began >= 1.0


async def test_a_silent_server_is_asked_again_and_then_given_up(server: ScriptedServer) -> None:
    await server.stop()
    async with AsyncClient(server.url, patience=0.5) as client:
        with pytest.raises(NoServer, match=r"no server answers at .*: connection refused"):
            await client.batch("b1")


async def test_who_does_not_answer_in_time_is_no_server(server: ScriptedServer) -> None:
    async def sleeps(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        raise AssertionError

    server.usual[BATCH] = sleeps
    async with AsyncClient(server.url, timeout=0.1, patience=0.0) as client:
        with pytest.raises(NoServer, match="not in time"):
            await client.batch("b1")


async def test_a_problem_is_raised_with_its_fields_and_not_asked_again(
    server: ScriptedServer, client: AsyncClient
) -> None:
    wrong = {"pointer": "/quantity", "detail": "quantity lies between 1 and 64", "code": "x"}
    server.next(CREATE, problem(422, "invalid-request", "no", errors=[wrong]))
    with pytest.raises(ProblemError) as raised:
        await client.order("mira", **ORDER)
    assert (raised.value.status, raised.value.code) == (422, "invalid-request")
    assert raised.value.errors == (WrongField(**wrong),)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer", [page("<h1>It works!</h1>"), page("no", 404), says([1]), says("x", 400)]
)
async def test_what_is_not_safelight_is_called_so(
    server: ScriptedServer, client: AsyncClient, answer: Any
) -> None:
    server.usual["GET /healthz"] = answer
    with pytest.raises(ProblemError) as raised:
        await client.health()
    assert raised.value.code == "unexpected-answer"


async def test_a_batch_that_ended_otherwise_than_completed_is_raised_with_what_there_is_of_it(
    server: ScriptedServer, client: AsyncClient
) -> None:
    ended = batch_json("partial", ("stored", "failed"))
    server.next(CREATE, says(batch_json("queued"), 201))
    server.next(EVENTS, streams(event(5, "batch.partial")))
    server.next(BATCH, says(ended))
    with pytest.raises(
        BatchFailed, match=r"batch b1 is partial, 1 of 2 .* out of memory"
    ) as raised:
        await client.generate("mira", **ORDER)
    batch = raised.value.batch
    assert (batch.status, batch.ended) == ("partial", True)
    assert [image.error and image.error.code for image in batch.images] == [None, "out-of-memory"]


async def test_batches_are_listed_page_by_page(server: ScriptedServer, client: AsyncClient) -> None:
    server.next(
        "GET /v1/batches",
        says({"data": [batch_json()], "next_cursor": "more", "has_more": True}),
        says({"data": [], "next_cursor": None, "has_more": False}),
    )
    first = await client.batches(user="ann", status="running", limit=1)
    assert (first.next_cursor, first.has_more, first.data[0].id) == ("more", True, "b1")
    assert (await client.batches(cursor=first.next_cursor)).data == ()
    assert [asked.query for asked in server.asked] == [
        {"user": "ann", "status": "running", "limit": "1"},
        {"cursor": "more"},
    ]


@pytest.mark.parametrize("kind", ["characters", "workflows"])
async def test_characters_and_workflows_are_kept_read_and_forgotten(
    server: ScriptedServer, client: AsyncClient, kind: str
) -> None:
    one = f"/v1/{kind}/opal"
    thing = {"id": "opal", "name": "Opal", "prompt": "opal hair", "graph": {"1": {}}}
    server.usual[f"GET /v1/{kind}"] = says({"data": [thing]})
    server.usual[f"GET {one}"] = server.usual[f"PUT {one}"] = says(thing)
    server.usual[f"DELETE {one}"] = says(None, 204)
    if kind == "characters":
        kept = await client.put_character("opal", prompt="opal hair")
        assert (kept.id, kept.name, kept.prompt, kept.style) == ("opal", "Opal", "opal hair", None)
        assert (await client.character("opal")).raw == thing
        assert await client.characters() == [kept]
        await client.delete_character("opal")
        assert server.asked[0].body == {"prompt": "opal hair"}
    else:
        assert await client.put_workflow("opal", {"1": {}}, exact_size=True) == thing
        assert await client.workflow("opal") == thing
        assert await client.workflows() == [thing]
        await client.delete_workflow("opal")
        assert server.asked[0].body == {"graph": {"1": {}}, "exact_size": True}
    assert [asked.method for asked in server.asked] == ["PUT", "GET", "GET", "DELETE"]


async def test_a_long_list_is_read_to_its_end(server: ScriptedServer, client: AsyncClient) -> None:
    server.next(
        "GET /v1/backends",
        says({"data": [{"name": "b1"}], "next_cursor": "more"}),
        says({"data": [{"name": "b2"}], "next_cursor": None}),
    )
    assert [each["name"] for each in await client.backends()] == ["b1", "b2"]
    assert server.asked[1].query == {"cursor": "more"}


async def test_a_server_that_is_not_ready_says_why(
    server: ScriptedServer, client: AsyncClient
) -> None:
    server.usual["GET /readyz"] = problem(503, "not-ready", "no", checks={"database": "away"})
    assert (await client.ready())["checks"] == {"database": "away"}


async def test_ids_stay_ids_and_the_key_goes_along(server: ScriptedServer) -> None:
    server.usual["GET /v1/images/..%2Fx%20y"] = says(batch_json()["images"][0])
    async with AsyncClient(f"{server.url}/", "secret") as client:
        assert (await client.image("../x y")).id == "i2"
    assert server.asked[0].headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:8080", "localhost", "", "ftp://host", "http://", "http://h:99999", "http://[h"],
)
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        AsyncClient(url)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "not-json", InvalidRequest),
        (401, "unauthorized", Unauthorized),
        (403, "permission-denied", PermissionDenied),
        (404, "not-found", NotFound),
        (409, "already-stored", Conflict),
        (410, "gone", NotFound),
        (413, "too-large", InvalidRequest),
        (422, "invalid-request", InvalidRequest),
        (429, "rate-limited", TooManyRequests),
        (500, "internal-error", ServerTrouble),
        (503, "database-away", ServerTrouble),
    ],
)
async def test_every_no_is_an_exception_of_its_kind(
    server: ScriptedServer, status: int, code: str, kind: type[ProblemError]
) -> None:
    """Each says what the problem says, and the id under which the server's log has it."""
    server.usual[BATCH] = problem(status, code, "because")
    async with AsyncClient(server.url, patience=0.0) as client:
        with pytest.raises(kind, match=r"^because$") as raised:
            await client.batch("b1")
    assert type(raised.value) is kind
    assert (raised.value.status, raised.value.code) == (status, code)
    assert raised.value.request_id == "r-1"


async def test_a_server_that_wants_to_be_left_alone_for_long_is_not_waited_for(
    server: ScriptedServer, client: AsyncClient
) -> None:
    """Longer than `patience`: the caller decides, and is told for how long."""
    server.usual[CREATE] = problem(429, "rate-limited", "an hour", retry_after=3600)
    with pytest.raises(TooManyRequests) as raised:
        await client.order("mira", **ORDER)
    assert raised.value.retry_after == 3600
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-1", None),
        ("9" * 400, None),
        ("inf", None),
    ],
)
def test_how_long_to_wait_is_read_as_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert seconds_in(text) == seconds


def test_a_date_to_come_is_so_many_seconds_away() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3500 < (seconds_in(then) or 0) <= 3600


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_is_led_elsewhere_with_the_key(server: ScriptedServer, status: int) -> None:
    """A redirect is told, not followed: an order would become a GET, the key another's."""
    elsewhere = ScriptedServer()
    await elsewhere.start()
    headers = {"Location": f"{elsewhere.url}/v1/batches"}

    async def leads_away(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    server.usual[CREATE] = leads_away
    async with AsyncClient(server.url, "secret") as client:
        with pytest.raises(UnexpectedAnswer, match=f"leads elsewhere, to {elsewhere.url}"):
            await client.order("mira", **ORDER)
    assert len(server.asked) == 1
    assert elsewhere.asked == []
    await elsewhere.stop()


@pytest.mark.parametrize(
    "answer",
    [
        {"id": "b1"},
        {**batch_json(), "images": None},
        {**batch_json(), "images": [7]},
        {**batch_json(), "urls": 7},
    ],
)
async def test_json_that_is_no_batch_is_called_so(
    server: ScriptedServer, client: AsyncClient, answer: Any
) -> None:
    server.usual[BATCH] = says(answer)
    with pytest.raises(UnexpectedAnswer, match="has not the shape of"):
        await client.batch("b1")


async def test_a_problem_with_nonsense_in_it_is_still_a_problem(
    server: ScriptedServer, client: AsyncClient
) -> None:
    server.usual[BATCH] = problem(422, "invalid-request", "no", errors=[7])
    with pytest.raises(UnexpectedAnswer):
        await client.batch("b1")
    server.usual[BATCH] = problem(422, "invalid-request", "x" * 100_000, errors=None)
    with pytest.raises(InvalidRequest) as raised:
        await client.batch("b1")
    assert len(raised.value.detail) == 2_000


async def test_who_does_not_want_to_wait_longer_is_told_that_it_goes_on(
    server: ScriptedServer, client: AsyncClient
) -> None:
    async def never_ends(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": ping\n\n")
        await asyncio.sleep(30)
        return response

    server.usual[CREATE] = says(batch_json("queued"), 201)
    server.usual[EVENTS] = never_ends
    with pytest.raises(NotEnded, match=r"has not ended within 0\.2 s") as raised:
        await client.generate("mira", **ORDER, timeout=0.2)
    assert raised.value.batch.id == "b1"
    assert isinstance(raised.value, TimeoutError)


async def test_a_batch_that_was_retried_just_when_it_ended_is_waited_for(
    server: ScriptedServer, client: AsyncClient
) -> None:
    server.next(
        BATCH,
        says(batch_json("running", last_event=3)),
        says(batch_json("running", last_event=6)),
        says(batch_json("completed", ("stored", "stored"), last_event=9)),
    )
    server.next(EVENTS, streams(event(5, "batch.partial")), streams(event(9, "batch.completed")))
    assert (await client.wait("b1")).status == "completed"
    assert [a.headers["Last-Event-ID"] for a in server.requests(EVENTS)] == ["3", "6"]


async def test_address_and_key_are_taken_from_the_environment(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is given wins; an empty key is none."""
    server.usual["GET /healthz"] = says({})
    monkeypatch.setenv("SAFELIGHT_URL", server.url)
    monkeypatch.setenv("SAFELIGHT_KEY", "from-outside\n")
    for key in (None, "given", ""):
        async with AsyncClient(key=key) as client:
            await client.health()
    sent = [asked.headers.get("Authorization") for asked in server.asked]
    assert sent == ["Bearer from-outside", "Bearer given", None]


def test_a_secret_is_never_shown() -> None:
    """Not in the client's text, nor in the refusal of an address or key that has one."""
    assert repr(AsyncClient("http://host:1/base/", "hush")) == "AsyncClient('http://host:1/base')"
    wrong = [("http://user:hush@host", None), ("http://user:hush@host:99999", None)]
    for url, key in (*wrong, ("http://host", "hush hush\n\nhush")):
        with pytest.raises(ValueError) as refused:
            AsyncClient(url, key)
        assert "hush" not in str(refused.value)


async def test_nothing_can_be_asked_of_a_closed_client(server: ScriptedServer) -> None:
    client = AsyncClient(server.url)
    await client.close()
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await client.health()


async def test_a_retry_whose_answer_was_lost_is_no_conflict(
    server: ScriptedServer, client: AsyncClient
) -> None:
    """It was done the first time, so the second time nothing has failed any more."""
    nothing = problem(409, "nothing-failed", "nothing has failed")
    server.usual[BATCH] = says(batch_json("running"))
    server.usual["GET /v1/images/i1"] = says(batch_json()["images"][1])
    for route in ("POST /v1/batches/b1/retry", "POST /v1/images/i1/retry"):
        server.next(route, hangs_up)
        server.usual[route] = nothing
    assert (await client.retry("b1")).status == "running"
    assert (await client.retry_image("i1")).id == "i1"
    with pytest.raises(Conflict):
        await client.retry("b1")
    with pytest.raises(Conflict):
        await client.retry_image("i1")


@pytest.mark.parametrize("lost", [hangs_up, problem(504, "away", "a proxy has waited enough")])
@pytest.mark.parametrize("kind", ["characters", "workflows", "webhooks"])
async def test_what_is_gone_because_it_was_forgotten_is_no_error(
    server: ScriptedServer, client: AsyncClient, lost: Act, kind: str
) -> None:
    """The answer to the first DELETE was lost, so the second finds nothing; one that never found
    anything says so."""
    forget = {
        "characters": client.delete_character,
        "workflows": client.delete_workflow,
        "webhooks": client.remove_webhook,
    }[kind]
    server.next(f"DELETE /v1/{kind}/opal", lost)
    await forget("opal")
    with pytest.raises(NotFound):
        await forget("opal")


async def test_an_answer_without_an_end_is_not_listened_to(
    server: ScriptedServer, client: AsyncClient
) -> None:
    """Neither as JSON nor as a stream of events; what fills no memory is refused by name."""

    async def never_stops(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1_000_000)

    server.usual[BATCH] = server.usual[EVENTS] = never_stops
    with pytest.raises(UnexpectedAnswer, match="without an end"):
        await client.batch("b1")
    with pytest.raises(UnexpectedAnswer, match="has no end"):
        await anext(client.watch("b1"))


def test_a_client_belongs_to_one_event_loop() -> None:
    client = AsyncClient("http://127.0.0.1:9", patience=0.0)

    async def begin() -> None:
        with pytest.raises(NoServer):
            await client.health()

    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(begin())
        with pytest.raises(RuntimeError, match="another event loop"):
            second.run(client.health())
        first.run(client.close())
