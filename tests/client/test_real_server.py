"""The clients against the real server and a simulated ComfyUI, and with a wire that breaks."""

from __future__ import annotations

import inspect
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image as Pictures

import safelight
from safelight import AsyncClient, Batch, BatchFailed, Client, Event, ProblemError
from safelight.client import InvalidRequest, NotFound, PermissionDenied, Unauthorized
from tests.cli.scripted_server import ScriptedServer
from tests.client.relaying import relays
from tests.processes import Processes


def key_with(processes: Processes, scope: str) -> str:
    """A new API key."""
    made = processes.start("keys", "create", "--scope", scope, "--json")
    assert made.popen.wait(60) == 0, made.lines
    made.end_of_lines()
    return str(json.loads("\n".join(made.lines))["key"])


def test_four_pictures_are_ready_when_generate_returns(
    processes: Processes, tmp_path: Path
) -> None:
    """The whole integration in two lines, and everything else one asks for afterwards: the files,
    the events, the lists, the series; and what is refused, by name."""
    url = processes.serve([processes.simulate().url]).url
    with Client(url) as client:
        batch = client.generate("opal-fever", user="areg", prompt="at sea", quantity=4, seed=9)
        assert (batch.status, batch.indices) == ("completed", (4, 3, 2, 1))
        assert [image.seed for image in batch.images] == [12, 11, 10, 9]
        assert all(image.ready for image in batch.images)
        saved = batch.save(tmp_path / "pictures")
        assert [path.name for path in saved] == [image.name for image in batch.images]
        assert len({path.read_bytes() for path in saved}) == 4
        assert batch.images[0].read() == saved[0].read_bytes()
        with Pictures.open(io.BytesIO(batch.images[0].thumbnail(64))) as small:
            assert small.width == 64
        numbers = [event.number for event in batch.watch(after=0)]
        assert numbers == sorted(set(numbers), key=lambda number: number or 0)
        assert batch.refresh() == client.batch(batch.id) == client.batches(user="areg").data[0]
        look_through(client, batch)
        star_and_take_along(client, batch, tmp_path)
        with pytest.raises(InvalidRequest) as refused:
            client.order("opal-fever", user="../x", quantity=0)
        assert {each.pointer for each in refused.value.errors} == {"/user", "/quantity"}
        with pytest.raises(NotFound):
            client.batch("nobody")


def look_through(client: Client, batch: Batch) -> None:
    """Series, characters, and one image of both."""
    series = client.series("areg", "opal-fever")
    assert (series.highest, series.counts["stored"]) == (4, 4)
    first = client.series_images("areg", "opal-fever", limit=3)
    rest = client.series_images("areg", "opal-fever", cursor=first.next_cursor)
    assert (first.data + rest.data, rest.has_more) == (batch.images, False)
    one = client.series_image("areg", "opal-fever", 2)
    assert one.read() == batch.images[2].read()
    assert one.raw["sha256"]
    assert {each.id: each.name for each in client.characters()}["opal-fever"] == "Opal Fever"
    assert client.ready()["checks"]


def star_and_take_along(client: Client, batch: Batch, folder: Path) -> None:
    """A star goes and comes; a ZIP has the pictures that were asked for."""
    assert client.star(batch.images[0]).starred_at
    assert client.unstar(batch.images[0].id).starred_at is None
    for indices, images in ((None, batch.images), ([4, 2], batch.images[::2])):
        path = client.download_series("areg", "opal-fever", folder / f"{indices}.zip", indices)
        with ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        assert files == {image.name: image.read() for image in images}
    with pytest.raises(NotFound, match="no images 5;"):
        client.download_series("areg", "opal-fever", folder, [5])


def test_a_batch_that_cannot_be_drawn_says_why_and_can_be_tried_again(
    processes: Processes, tmp_path: Path
) -> None:
    """`generate` raises; what there is of the batch is in the exception."""
    comfy = processes.simulate()
    comfy.fault("oom", 1.0)
    config = "[rendering]\nmax_attempts = 1\n"
    client = Client(processes.serve([comfy.url], config=config).url)
    with pytest.raises(BatchFailed, match="0 of 2 images are stored") as raised:
        client.generate("mira", user="ann", quantity=2)
    failed = raised.value.batch
    assert isinstance(failed, Batch)
    assert {image.error.code for image in failed.images if image.error} == {"out-of-memory"}
    assert failed.save(tmp_path / "nothing") == []
    comfy.fault("oom", 0.0)
    assert failed.retry().wait(timeout=120).status == "completed"
    with pytest.raises(ProblemError) as refused:
        failed.cancel()
    assert refused.value.status == 409


def test_many_threads_share_a_client(processes: Processes) -> None:
    """Each gets its own batch; together they have every index once."""
    client = Client(processes.serve([processes.simulate().url]).url)

    def order(number: int) -> Batch:
        return client.generate("mira", user="ann", prompt=f"{number}", quantity=2)

    with ThreadPoolExecutor(6) as threads:
        batches = list(threads.map(order, range(6)))
    assert sorted(index for batch in batches for index in batch.indices) == list(range(1, 13))
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.health()


async def test_an_order_whose_answer_is_lost_is_one_batch(
    processes: Processes, server: ScriptedServer
) -> None:
    """The server has it, the client does not know: it asks again and gets the same batch. The
    stream breaks in the middle of events, three times: each is told once."""
    url = processes.serve([processes.simulate().url]).url
    server.usual["POST /v1/batches"] = relays(url)
    server.next("POST /v1/batches", *[relays(url, loses=True)] * 2)
    async with AsyncClient(server.url) as client, AsyncClient(url) as direct:
        batch = await client.order("mira", user="ann", quantity=4)
        assert len(server.requests("POST /v1/batches")) == 3
        assert (await direct.series("ann", "mira")).highest == 4
        stream = f"GET /v1/batches/{batch.id}/events"
        server.usual[stream] = relays(url)
        server.next(stream, *[relays(url, breaks_after=n) for n in (250, 700, 1100)])
        told = [event async for event in batch.watch(after=0) if event.number]
        expected = [event async for event in direct.watch(batch.id) if event.number]
    assert len(server.requests(stream)) == 4
    assert told == expected
    assert told[-1].type == "batch.completed"


def test_a_server_that_is_killed_is_found_again_and_nothing_is_told_twice(
    processes: Processes,
) -> None:
    """kill -9 in the middle of a batch; whoever listens goes on listening to the next server."""
    serving = processes.serve([processes.simulate(seconds=0.4).url])
    batch = Client(serving.url, patience=120).order("mira", user="ann", quantity=4)
    told: list[Event] = []
    for event in batch.watch(after=0):
        told += [event] if event.number else []
        if event.type == "image.stored" and serving.process.popen.poll() is None:
            serving.process.kill()
            processes.start("serve", "--port", serving.url.rpartition(":")[2])
    assert told == [event for event in batch.watch(after=0) if event.number]
    assert sorted(e.index or 0 for e in told if e.type == "image.stored") == [1, 2, 3, 4]
    assert told[-1].type == "batch.completed"


def test_a_key_that_may_not_is_told_so(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one, with a mistyped one, with one for somebody else; and with the right one, which
    the environment has."""
    key = key_with(processes, "user:ann")
    monkeypatch.setenv("SAFELIGHT_URL", processes.serve([processes.simulate().url]).url)
    for wrong in ("", key[:-1]):
        with pytest.raises(Unauthorized) as refused, Client(key=wrong) as client:
            client.characters()
        assert key[:-1] not in str(refused.value)
    monkeypatch.setenv("SAFELIGHT_KEY", key)
    with Client() as client:
        assert client.generate("mira", user="ann").images[0].read()
        with pytest.raises(PermissionDenied):
            client.order("mira", user="bob")


def test_both_clients_have_the_same_methods() -> None:
    """With the same parameters: the synchronous one is a face, nothing more."""
    for name, method in inspect.getmembers(AsyncClient, inspect.isroutine):
        if name.startswith("_"):
            continue
        theirs = inspect.signature(method).parameters
        ours = inspect.signature(getattr(Client, name)).parameters
        assert [*ours] == [*theirs], name
        assert getattr(Client, name).__doc__, name


def test_what_is_no_name_of_the_package_is_none() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Clinet'"):
        _ = safelight.Clinet
