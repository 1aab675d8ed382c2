"""The client against a real HTTP server that loses answers, breaks streams and says no."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiohttp import web

from safelight.client import AsyncClient, NoServer, ProblemError
from tests.cli.scripted_server import (
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
    batch = await client.create("mira", **ORDER, seed=7, loras=[{"name": "a"}])
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
        await client.create("mira", **ORDER, idempotency_key=key)
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
    assert (await client.create("mira", **ORDER)).id == "b1"
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
        await client.create("mira", **ORDER)
    assert (raised.value.status, raised.value.code) == (422, "invalid-request")
    assert raised.value.errors == (wrong,)
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


async def test_generate_comes_back_with_the_batch_as_it_ended(
    server: ScriptedServer, client: AsyncClient
) -> None:
    ended = batch_json("partial", ("stored", "failed"))
    server.next(CREATE, says(batch_json("queued"), 201))
    server.next(EVENTS, streams(event(5, "batch.partial")))
    server.next(BATCH, says(ended))
    batch = await client.generate("mira", **ORDER)
    assert (batch.status, batch.ended) == ("partial", True)
    assert [image.error and image.error["code"] for image in batch.images] == [
        None,
        "out-of-memory",
    ]


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
    thing = {"id": "opal", "graph": {"1": {}}}
    server.usual[f"GET /v1/{kind}"] = says({"data": [thing]})
    server.usual[f"GET {one}"] = server.usual[f"PUT {one}"] = says(thing)
    server.usual[f"DELETE {one}"] = says(None, 204)
    if kind == "characters":
        assert await client.put_character("opal", prompt="opal hair") == thing
        assert await client.character("opal") == thing
        assert await client.characters() == [thing]
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
    server.usual["GET /v1/images/..%2Fx%20y"] = says({"id": "x"})
    async with AsyncClient(f"{server.url}/", "secret") as client:
        assert await client.image("../x y") == {"id": "x"}
    assert server.asked[0].headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "localhost", "", "ftp://host", "http://"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        AsyncClient(url)
