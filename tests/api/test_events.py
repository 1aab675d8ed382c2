"""Event streams over HTTP: everything after a point, then live, without gaps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from uuid import uuid4

import pytest

from safelight.api.native.events import stream
from safelight.core.errors import DatabaseAway, SafelightError, Unauthorized
from safelight.core.records import Event
from safelight.core.states import EVENTS
from safelight.gateway import Live
from tests.api.asking import Server, order


def events(told: Iterator[dict[str, str]]) -> list[dict[str, str]]:
    """Those with an id: no comments, no progress."""
    return [fields for fields in told if "id" in fields]


def test_a_stream_tells_everything_and_ends_with_the_batch(server: Server) -> None:
    batch = server.post(order(quantity=3)).json
    told = events(server.stream(f"/v1/batches/{batch['id']}/events"))
    assert [int(fields["id"]) for fields in told] == list(range(1, len(told) + 1))
    kinds = [fields["event"] for fields in told]
    assert kinds[0] == "batch.created"
    assert kinds[-1] == "batch.completed"
    assert kinds.count("image.stored") == 3
    assert kinds.count("image.dispatched") >= 3
    assert set(kinds) <= set(EVENTS)


def test_an_event_is_one_line_of_json(server: Server) -> None:
    batch = server.batch()
    told = events(server.stream(f"/v1/batches/{batch['id']}/events"))
    for fields in told:
        body = json.loads(fields["data"])
        assert body["type"] == fields["event"]
        assert str(body["number"]) == fields["id"]
        assert body["batch"] == batch["id"]
        assert body["at"].endswith("Z")
        assert (body["image"] is None) == body["type"].startswith("batch.")


def test_a_stream_begins_with_how_soon_to_come_back(server: Server) -> None:
    batch = server.batch()
    assert next(server.stream(f"/v1/batches/{batch['id']}/events")) == {"retry": "1000"}


def test_the_headers_keep_a_stream_fresh(server: Server) -> None:
    batch = server.batch()
    answer = server.get(f"/v1/batches/{batch['id']}/events")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    head = server.ask("HEAD", f"/v1/batches/{batch['id']}/events")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"] == answer.headers["content-type"]


@pytest.mark.parametrize("way", ["header", "query", "both"])
def test_a_reader_that_comes_back_misses_nothing(server: Server, way: str) -> None:
    path = f"/v1/batches/{server.batch(2)['id']}/events"
    everything = events(server.stream(path))
    after = everything[2]["id"]
    if way == "header":
        rest = events(server.stream(path, last_event_id=after))
    elif way == "query":
        rest = events(server.stream(f"{path}?last_event_id={after}"))
    else:
        rest = events(server.stream(f"{path}?last_event_id=1", last_event_id=after))
    assert rest == everything[3:]


def test_who_has_seen_the_end_is_told_to_stop(server: Server) -> None:
    batch = server.batch()
    path = f"/v1/batches/{batch['id']}/events"
    assert server.get(path, last_event_id=str(batch["last_event"])).status == 204
    assert server.get(path, last_event_id=str(batch["last_event"] - 1)).status == 200


@pytest.mark.parametrize("value", ["-1", "abc", "1.5", "9" * 30])
def test_an_id_that_is_no_number(server: Server, value: str) -> None:
    path = f"/v1/batches/{server.batch()['id']}/events"
    server.get(path, last_event_id=value).problem(422, "invalid-request")
    server.get(f"{path}?last_event_id={value}").problem(422, "invalid-request")


def test_a_batch_that_does_not_exist_has_no_events(server: Server) -> None:
    server.get(f"/v1/batches/{uuid4()}/events").problem(404, "not-found")
    server.get("/v1/batches/x/events").problem(404, "not-found")


def test_the_stream_of_all_goes_on_where_it_was_left(server: Server) -> None:
    """Two batches are seen by one reader, and again by one who comes back with its first id."""
    first = server.stream("/v1/events")
    assert next(first) == {"retry": "1000"}
    ordered = [server.post(order()).json["id"] for _ in range(2)]
    seen = []
    ended: set[str] = set()
    for fields in first:
        if "id" not in fields:
            continue
        seen.append(fields)
        if fields["event"] == "batch.completed":
            ended.add(json.loads(fields["data"])["batch"])
        if ended >= set(ordered):
            break
    first.close()
    rest = server.stream("/v1/events", last_event_id=seen[0]["id"])
    again = list(islice((f for f in rest if "id" in f), len(seen) - 1))
    rest.close()
    assert again == seen[1:]
    assert len({fields["id"] for fields in seen}) == len(seen)


@pytest.mark.parametrize("cursor", ["nonsense", "1-", "x" * 300])
def test_a_cursor_that_is_none_of_ours(server: Server, cursor: str) -> None:
    server.get(f"/v1/events?last_event_id={cursor}").problem(422, "invalid-request")


def test_an_id_ahead_of_all_there_are_is_answered_with_a_reset(server: Server) -> None:
    """Somebody made it up: the stream begins with `reset`, and goes on from now on."""
    first = server.stream("/v1/events")
    assert next(first) == {"retry": "1000"}
    server.batch()
    life = next(fields["id"] for fields in first if "id" in fields).partition("-")[0]
    first.close()
    for ahead in (2**63 - 1, 2**62):
        told = server.stream("/v1/events", last_event_id=f"{life}-{ahead}-1")
        _, reset = islice(told, 2)
        told.close()
        assert reset["event"] == "reset"
        assert json.loads(reset["data"])["data"] == {"reason": "restored"}


# --- the pieces of a stream -----------------------------------------------------------------------

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TOLD = Event("b", 7, "image.stored", "i", {"text": "two\nlines"}, AT)


async def pieces(
    *told: Event | Live | tuple[str, Event | None] | SafelightError | None,
) -> list[str]:
    """What goes out for what the gateway tells; an error ends it."""

    async def source() -> AsyncIterator[Event | Live | tuple[str, Event | None] | None]:
        for one in told:
            if isinstance(one, SafelightError):
                raise one
            yield one

    async def still() -> None:
        return

    sent = [piece.decode() async for piece in stream(source(), "the-id", "http://here", still)]
    assert sent[0] == "retry: 1000\n\n"
    assert all(piece.endswith("\n\n") and "\n\n" not in piece[:-2] for piece in sent)
    return sent[1:]


async def test_silence_is_a_comment() -> None:
    assert await pieces(None) == [": ping\n\n"]


async def test_silence_in_the_stream_of_all_says_where_to_go_on() -> None:
    """What passes by unheard need not be looked through again: an id without data is no event."""
    assert await pieces(("12-34", None)) == [": ping\nid: 12-34\n\n"]


async def test_progress_has_no_id() -> None:
    told = {"batch": "b", "image": "i", "step": 3, "steps": 20}
    for number, url in ((0, None), (7, "http://here/v1/images/i/preview?n=7")):
        (piece,) = await pieces(Live("b", "i", 3, 20, number))
        event, data = piece.splitlines()[:2]
        assert event == "event: progress"
        assert json.loads(data[6:]) == {**told, "preview": url}


async def test_ids_are_numbers_in_a_batch_and_cursors_in_all() -> None:
    of_batch, of_all = await pieces(TOLD, ("12-34", TOLD))
    assert of_batch.startswith("id: 7\nevent: image.stored\ndata: {")
    assert of_all.startswith("id: 12-34\nevent: image.stored\ndata: {")
    assert of_batch.splitlines()[2] == of_all.splitlines()[2]
    assert json.loads(of_all.splitlines()[2][6:])["data"] == {"text": "two\nlines"}


async def test_an_event_that_was_read_anew_is_told_as_it_is_now() -> None:
    """What many hear is written once; another record of the same event is not taken for it."""
    erased = replace(TOLD, data={})
    first, again, now = await pieces(TOLD, TOLD, erased)
    assert first == again
    assert json.loads(now.splitlines()[2][6:])["data"] == {}


async def test_who_may_hear_no_more_hears_no_more() -> None:
    """Asked again after a moment, before anything further is told: by the time that revoking a key
    has returned, nobody hears anything by it."""

    async def source() -> AsyncIterator[Event]:
        yield TOLD
        await asyncio.sleep(0.15)
        yield TOLD

    async def still() -> None:
        raise Unauthorized("this API key has been revoked")

    _, event, problem = [piece async for piece in stream(source(), "the-id", "http://here", still)]
    assert event.startswith(b"id: 7\nevent: image.stored\n")
    assert problem.startswith(b"event: problem\n")


async def test_trouble_on_the_way_is_told_and_ends_the_stream() -> None:
    event, piece = await pieces(TOLD, DatabaseAway("no answer"), None)
    assert "image.stored" in event
    assert piece.startswith("event: problem\ndata: {")
    assert json.loads(piece.splitlines()[1][6:])["code"] == "database-away"
