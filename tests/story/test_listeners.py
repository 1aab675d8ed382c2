"""Many listen at the same time: they hear everything, cost nearly nothing, and harm nobody."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from safelight.database import embedded
from tests.processes import Processes, Serving, wait_until_ready
from tests.story.listeners import Listener, all_listening
from tests.story.statements import logging_server, said_since, url_of
from tests.waiting import until

MANY, FEW, IMAGES = 500, 5, 64
READS = re.compile(rb"select batch_id, number, type, image_id, data, at from events")
PLACES = re.compile(rb"select user_id, character_id, last_event, stored \+ failed")
LOOKS = re.compile(rb"select id from batches where id = any\(\$1\) and stored")


@pytest.fixture(scope="module")
def logging_postgres() -> Iterator[embedded.Server]:
    """A PostgreSQL of its own, which writes down every statement."""
    with logging_server() as server:
        yield server


@pytest.fixture(scope="module")
def logged(
    logging_postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """A `serve` on it."""
    processes = Processes(tmp_path_factory.mktemp("listeners"), url_of(logging_postgres))
    try:
        yield processes.serve([processes.simulate(seconds=0.05).url])
    finally:
        processes.stop_all()


async def listen(serving: Serving, many: int, seconds: float = 120) -> list[Listener]:
    """Order a batch with so many listeners, one of them a little earlier than the others; what they
    heard."""
    batch = await asyncio.to_thread(serving.order, IMAGES, 0)
    listeners = [Listener(serving.url, batch["id"]) for _ in range(many)]
    async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
        tasks.create_task(listeners[0].listen())
        await all_listening(listeners[:1])
        for listener in listeners[1:]:
            tasks.create_task(listener.listen())
    return listeners


def test_five_hundred_hear_everything_for_the_price_of_five(
    logged: Serving, logging_postgres: embedded.Server
) -> None:
    """All hear all events of a batch of 64 in order, none twice. Rows are read as often for five
    hundred as for five: about once an event. Beside that each costs one statement at the door."""
    reads = {}
    for many in (FEW, MANY):
        written = logging_postgres.log.stat().st_size
        listeners = asyncio.run(listen(logged, many))
        said = said_since(logging_postgres, written)
        [whole] = {tuple(listener.heard) for listener in listeners}
        assert list(whole) == list(range(1, len(whole) + 1))
        for listener in listeners:
            assert listener.types["image.stored"] == IMAGES
            assert listener.types["batch.completed"] == listener.connections == 1
        reads[many] = len(READS.findall(said))
        assert reads[many] <= 3 * len(whole)
        # Who comes in the moment in which the first one begins asks once more.
        assert len(PLACES.findall(said)) <= many + 20
        # Whether there are keys is looked up once a second, whoever wants to know.
        assert said.count(b"from api_keys") <= 100
    assert reads[MANY] <= 2 * reads[FEW] + 50


def test_many_wait_for_one_batch_for_the_price_of_one(
    logged: Serving, logging_postgres: embedded.Server
) -> None:
    """A hundred requests with one key and `Prefer: wait` are answered with the batch's end; one
    look for all of them finds it."""
    body = {"user": "ann", "character": "mira", "prompt": "together", "quantity": 8}
    headers = {"Idempotency-Key": "one-of-a-hundred"}

    async def ask() -> list[Any]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(100))
        asking = [
            asyncio.to_thread(logged.post, "/v1/batches", body, headers, 60) for _ in range(100)
        ]
        return list(await asyncio.gather(*asking))

    written = logging_postgres.log.stat().st_size
    answers = asyncio.run(ask())
    assert {answer["status"] for answer in answers} == {"completed"}
    assert len({answer["id"] for answer in answers}) == 1
    assert len(LOOKS.findall(said_since(logging_postgres, written))) < 60


def test_nobody_misses_or_repeats_anything_when_the_server_is_killed(processes: Processes) -> None:
    """`serve` is killed with -9 in the middle of a batch, with five hundred listening, and started
    again: they come back with the last id they heard."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    backends = [processes.simulate(seconds=0.05).url]
    serving = processes.serve(backends, "--port", port)
    batch = serving.order(IMAGES, 0)
    listeners = [Listener(serving.url, batch["id"]) for _ in range(MANY)]

    async def story() -> None:
        async with asyncio.timeout(150), asyncio.TaskGroup() as tasks:
            for listener in listeners:
                tasks.create_task(listener.listen())
            await all_listening(listeners)
            while listeners[-1].types["image.stored"] < IMAGES // 4:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            serving.process.kill()
            assert not any(listener.types["batch.completed"] for listener in listeners)
            process = processes.start("serve", "--port", port)
            await asyncio.to_thread(wait_until_ready, Serving(process, serving.url))

    asyncio.run(story())
    [whole] = {tuple(listener.heard) for listener in listeners}
    assert list(whole) == list(range(1, len(whole) + 1))
    assert all(listener.types["image.stored"] == IMAGES for listener in listeners)
    assert all(listener.connections >= 2 for listener in listeners)


TELL = """
with batch as (
    update batches set last_event = last_event + 20000, last_txid = pg_current_xact_id()
    where id = $1 returning id, last_event, last_txid
)
insert into events (batch_id, number, txid, type, data)
select id, n, last_txid, 'image.dispatched', jsonb_build_object('text', repeat('x', 1000))
from batch, generate_series(last_event - 19999, last_event) n order by n
"""


def test_those_who_never_read_harm_nobody(processes: Processes) -> None:
    """Six ask for 20 MB of events each and take none of them: the memory of `serve` stays where it
    was, others hear their batch to its end meanwhile, and who takes nothing is closed and leaves
    its seat to others. One more than there are seats is told to come back later. Nor does one of
    them keep the process from stopping."""
    seats, blocked = 8, 6
    config = f"[server]\nmax_listeners = {seats}\nstalled_after = 8\n"
    serving = processes.serve([processes.simulate(seconds=0).url], config=config)
    long = serving.order(1)["id"]
    asyncio.run(_execute(processes.database_url, TELL, long))
    assert _heard_to_the_end(serving)
    before = _memory(serving)
    with ExitStack() as come:
        # Each has its seat before the next: who only asks whether all are taken takes one.
        for _ in range(blocked):
            come.enter_context(_seated(serving, f"/v1/batches/{long}/events"))
        hanging = [
            come.enter_context(_seated(serving, "/v1/events")) for _ in range(seats - blocked)
        ]
        until(lambda: _status(serving, "/v1/events") == (503, "too-many-listeners", "5"))
        for one in hanging:
            one.close()
        assert _heard_to_the_end(serving)
        assert _memory(serving) - before < 40_000
        until(lambda: _all_welcome(serving, seats))
        come.enter_context(_deaf(serving, f"/v1/batches/{long}/events"))
        assert serving.process.stop() == 0


def test_a_stream_ends_with_the_key_that_opened_it(processes: Processes) -> None:
    """Two listen to all events, each with a key for ann; one of the keys is revoked. Its listener
    is told so instead of the next event, the other hears it."""
    serving = processes.serve([processes.simulate(seconds=0).url])
    keys = [_told(processes, "create", "--scope", "user:ann") for _ in range(2)]
    streams = [_open(serving, key["key"]) for key in keys]
    _told(processes, "revoke", keys[0]["id"])
    request = urllib.request.Request(
        f"{serving.url}/v1/batches",
        json.dumps(
            {"user": "ann", "character": "mira", "prompt": "a secret", "quantity": 1}
        ).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {keys[1]['key']}"},
    )
    urllib.request.urlopen(request, timeout=30).close()
    with streams[0] as ended, streams[1] as going:
        said = ended.read().decode()
        assert "event: problem\n" in said
        assert '"unauthorized"' in said
        assert "batch" not in said
        assert "event: batch.created\n" in iter(lambda: going.readline().decode(), "")


def _told(processes: Processes, *command: str) -> Any:
    """What `keys` prints as JSON, remarks left out."""
    process = processes.start("keys", *command, "--json")
    assert process.popen.wait(60) == 0, process.lines
    process.end_of_lines()
    text = "\n".join(process.lines)
    return json.JSONDecoder().raw_decode(text[text.index("{") :])[0]


def _open(serving: Serving, key: str) -> Any:
    """A stream of all events that has begun."""
    request = urllib.request.Request(
        f"{serving.url}/v1/events", headers={"Authorization": f"Bearer {key}"}
    )
    stream = urllib.request.urlopen(request, timeout=30)
    assert stream.readline() == b"retry: 1000\n"
    return stream


def _heard_to_the_end(serving: Serving) -> bool:
    """Whether two who listen to a new batch hear all of it."""
    batch = serving.order(4, 0)
    listeners = [Listener(serving.url, batch["id"]) for _ in range(2)]

    async def story() -> None:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for listener in listeners:
                tasks.create_task(listener.listen())

    asyncio.run(story())
    return all(listener.types["image.stored"] == 4 for listener in listeners)


def _deaf(serving: Serving, path: str) -> socket.socket:
    """A connection that has asked for a stream and takes nothing of it."""
    host, port = serving.url.removeprefix("http://").split(":")
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect((host, int(port)))
    one.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    return one


def _seated(serving: Serving, path: str) -> socket.socket:
    """Like `_deaf`, when its stream has begun: so far it has read."""
    come: list[socket.socket] = []

    def begun() -> bool:
        come.append(_deaf(serving, path))
        if b" 200 " in come[-1].recv(16):
            return True
        come.pop().close()  # a seat that was left a moment ago is not free yet
        return False

    until(begun)
    return come[0]


def _all_welcome(serving: Serving, many: int) -> bool:
    """Whether so many who come now can all listen."""
    come = [_deaf(serving, "/v1/events") for _ in range(many)]
    try:
        return all(b" 200 " in one.recv(16) for one in come)
    finally:
        for one in come:
            one.close()


def _status(serving: Serving, path: str) -> tuple[int, str, str] | None:
    try:
        with urllib.request.urlopen(serving.url + path, timeout=30):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["code"], error.headers["retry-after"]


def _memory(serving: Serving) -> int:
    """What the process has in memory, in KiB."""
    status = Path(f"/proc/{serving.process.popen.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0])


async def _execute(url: str, statement: str, *arguments: object) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()
