"""Streams that break and downloads that stop, against a real HTTP server."""

from __future__ import annotations

from pathlib import Path

import pytest

from safelight.client import (
    AsyncClient,
    Event,
    Failure,
    NoServer,
    ProblemError,
    UnexpectedAnswer,
)
from tests.cli.scripted_server import (
    PNG,
    ScriptedServer,
    event,
    hangs_up,
    problem,
    progress,
    says,
    sends,
    streams,
)

EVENTS = "GET /v1/batches/b1/events"
FILE = "GET /v1/images/i1/file"
TROUBLE = b'event: problem\ndata: {"status": 503, "code": "database-away", "detail": "away"}\n\n'


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def told(client: AsyncClient, after: int = 0) -> list[Event]:
    return [event async for event in client.watch("b1", after)]


async def test_a_batch_is_followed_to_its_last_event(
    server: ScriptedServer, client: AsyncClient
) -> None:
    """Comments, live progress, pieces cut anywhere and lines longer than a buffer are fine."""
    whole = b"".join(
        [
            b"retry: 1000\n\n: ping\n\n",
            event(1, "batch.created", note="x" * 200_000),
            event(2, "image.dispatched", "i1", index=1),
            progress("i1", 3, 20),
            event(3, "image.stored", "i1", index=1).replace(b"\n", b"\r\n"),
            event(4, "batch.completed", stored=1),
        ]
    )
    pieces = [whole[at : at + 7_777] for at in range(0, len(whole), 7_777)]
    server.next(EVENTS, streams(*pieces))
    events = await told(client)
    assert [one.number for one in events] == [1, 2, None, 3, 4]
    assert events[2] == Event(None, "progress", "b1", "i1", {"step": 3, "steps": 20})
    assert events[4].type == "batch.completed"
    assert len(server.asked) == 1


@pytest.mark.parametrize("breaks", [True, False])
async def test_a_broken_stream_goes_on_after_the_last_event_heard(
    server: ScriptedServer, client: AsyncClient, breaks: bool
) -> None:
    server.next(
        EVENTS,
        streams(event(1, "batch.created"), event(2, "image.stored", "i2"), breaks=breaks),
        hangs_up,
        streams(b"retry: 1000\n\n", TROUBLE),
        problem(503, "database-away", "come back"),
        streams(event(3, "image.stored", "i1"), event(4, "batch.completed")),
    )
    assert [one.number for one in await told(client)] == [1, 2, 3, 4]
    assert [a.headers["Last-Event-ID"] for a in server.requests(EVENTS)] == ["0", *["2"] * 4]


async def test_a_restarted_server_is_found_again(
    server: ScriptedServer, client: AsyncClient
) -> None:
    server.next(EVENTS, streams(event(1, "batch.created"), breaks=True))
    server.usual[EVENTS] = streams(event(2, "batch.completed"))
    port = int(server.url.rpartition(":")[2])
    numbers = []
    async for one in client.watch("b1"):
        numbers.append(one.number)
        if one.number == 1:
            await server.stop()
            await server.start(port)
    assert numbers == [1, 2]


async def test_nothing_follows_the_last_event(server: ScriptedServer, client: AsyncClient) -> None:
    server.next(EVENTS, says(None, 204))
    assert await told(client, after=9) == []


async def test_streams_that_always_break_are_given_up(server: ScriptedServer) -> None:
    server.usual[EVENTS] = streams()
    async with AsyncClient(server.url, patience=0.4) as client:
        with pytest.raises(NoServer, match="break off"):
            await told(client)


async def test_streams_that_stood_for_a_while_are_not_given_up(server: ScriptedServer) -> None:
    """Nothing happens to a batch in a long queue, and something on the way cuts quiet lines."""
    stood = streams(b"retry: 1000\n\n", breaks=True, after=0.5)
    server.next(EVENTS, stood, stood, stood, streams(event(1, "batch.completed")))
    async with AsyncClient(server.url, patience=0.4) as client:
        assert [one.number for one in await told(client)] == [1]


async def test_a_batch_that_is_not_there_is_not_waited_for(client: AsyncClient) -> None:
    with pytest.raises(ProblemError) as raised:
        await told(client)
    assert raised.value.status == 404


async def test_a_download_that_breaks_is_begun_anew(
    server: ScriptedServer, client: AsyncClient, tmp_path: Path
) -> None:
    server.next(FILE, sends(PNG, whole=False), hangs_up, sends(PNG))
    await client.download("i1", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == PNG
    assert names_in(tmp_path) == ["a.png"]


async def test_a_download_that_fails_leaves_what_was_there(
    server: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(b"before")
    server.usual[FILE] = sends(PNG, whole=False)
    async with AsyncClient(server.url, patience=0.3) as client:
        with pytest.raises(NoServer):
            await client.download("i1", tmp_path / "a.png")
        server.usual[FILE] = problem(404, "not-stored", "not yet")
        with pytest.raises(ProblemError):
            await client.download("i1", tmp_path / "a.png")
        with pytest.raises(FileNotFoundError):
            await client.download("i1", tmp_path / "nowhere" / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"before"
    assert names_in(tmp_path) == ["a.png"]


async def test_what_was_told_before_is_not_told_again(
    server: ScriptedServer, client: AsyncClient
) -> None:
    """Also where a server begins anew after a lost connection; half an event is none."""
    whole = event(2, "image.stored", "i2")
    server.next(
        EVENTS,
        streams(event(1, "batch.created"), whole[: len(whole) // 2], breaks=True),
        streams(event(1, "batch.created"), whole, event(3, "batch.completed")),
    )
    assert [one.number for one in await told(client)] == [1, 2, 3]


async def test_after_a_reset_all_is_told_that_follows(
    server: ScriptedServer, client: AsyncClient
) -> None:
    """A database that was restored knows nothing of the numbers before."""
    reset = event(7, "reset", reason="restored", status="running", images=[])
    server.next(EVENTS, streams(reset, breaks=True), streams(event(9, "batch.completed")))
    assert [one.type for one in await told(client, after=50)] == ["reset", "batch.completed"]
    assert [a.headers["Last-Event-ID"] for a in server.requests(EVENTS)] == ["50", "7"]


async def test_events_say_what_they_are_about(server: ScriptedServer, client: AsyncClient) -> None:
    """What is live and new to this client is passed on as it came."""
    error = {"code": "out-of-memory", "detail": "too large"}
    preview = b'event: preview\ndata: {"batch": "b1", "image": "i1", "url": "/p"}\n\n'
    server.next(
        EVENTS,
        streams(
            progress("i1", 5, 20),
            preview,
            event(2, "image.failed", "i1", index=1, error=error),
            event(3, "batch.failed", stored=0),
        ),
    )
    step, new, failed, last = await told(client)
    assert (step.progress, step.index, step.error, step.last) == (0.25, None, None, False)
    assert (step.preview, new.preview) == (None, None)
    assert (new.type, new.number, new.data) == ("preview", None, {"url": "/p"})
    assert (failed.index, failed.error) == (1, Failure("out-of-memory", "too large"))
    assert (last.last, last.at) == (True, "2026-01-02T03:04:05.000000Z")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"data: {\n\n",
        b"data: [1]\n\n",
        b"data: \xff\n\n",
        b"event: problem\ndata: {}\n\n",
        b'data: {"batch": "b1", "image": null, "number": "x", "data": {}}\n\n',
    ],
)
async def test_a_stream_of_nonsense_is_called_so(
    server: ScriptedServer, client: AsyncClient, nonsense: bytes
) -> None:
    server.usual[EVENTS] = streams(nonsense)
    with pytest.raises(UnexpectedAnswer):
        await told(client)
    assert len(server.asked) == 1
