"""Whoever runs it can see how it is doing: every metric of the reference, with a value."""

from __future__ import annotations

import asyncio
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from safelight.core.signing import secret_of
from safelight.database import embedded
from tests.processes import Processes, Serving
from tests.receiver import Receiver
from tests.standins import Cloudinary
from tests.story.scraping import Scrape, named
from tests.story.test_keys import asked, made
from tests.waiting import until

BROKEN = Path(__file__).parents[1] / "workflows" / "error.json"
SAME = (
    '{"1": {"class_type": "EmptyImage",'
    ' "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255}},'
    ' "3": {"class_type": "SaveImage",'
    ' "inputs": {"images": ["1", 0], "filename_prefix": "x", "seed": 1}}}'
)
WEBHOOKS = f'[webhooks]\nsecret = "{secret_of(b"s" * 32)}"\nallow_private = true\n'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver().open()
    yield opened
    opened.close()


@pytest.fixture
def cdn() -> Iterator[Cloudinary]:
    with Cloudinary() as standin:
        yield standin


def characters(processes: Processes) -> str:
    """`ben`, whose workflow raises, and `ann`, whose workflow ignores its seed."""
    same = processes.home / "same.json"
    same.write_text(SAME)
    return (
        f'[workflows.broken]\nfile = "{BROKEN}"\n[characters.ben]\nworkflow = "broken"\n'
        f'[workflows.same]\nfile = "{same}"\nslots = {{ seed = "3.seed" }}\n'
        '[characters.ann]\nworkflow = "same"\n'
    )


def test_every_metric_of_the_reference_is_seen_with_a_value(
    processes: Processes, receiver: Receiver, cdn: Cloudinary
) -> None:
    """Two pictures are drawn, copied and told of while somebody listens; a graph raises; a workflow
    ignores its seed. Then one look shows every metric of the reference, the numbers are those of
    what happened, and no label holds an id."""
    config = cdn.toml() + WEBHOOKS + characters(processes)
    serving = processes.serve([processes.simulate("--lab", seconds=0).url], config=config)
    with urllib.request.urlopen(f"{serving.url}/v1/events", timeout=30):
        stored = serving.order(2, webhook={"url": receiver.url})
        failed = serving.order(1, character="ben")
        twins = serving.order(2, character="ann")
        until(lambda: cdn.assets() and receiver.messages)
        until(lambda: copied(serving) == 3 and at(serving, "deliveries_total", "delivered") == 1)
        seen = Scrape(f"{serving.url}/metrics")
        assert seen.value("safelight_sse_clients") == 1
    assert (stored["status"], failed["status"], twins["status"]) == (
        *("completed", "failed"),
        "partial",
    )
    assert {name for name in named() if not list(seen.of(name))} == set()
    expect(seen, stored)
    until(lambda: Scrape(f"{serving.url}/metrics").value("safelight_sse_clients") == 0)
    count = "safelight_http_request_duration_seconds_count"
    assert Scrape(f"{serving.url}/metrics").value(count, route="/v1/events") == 1


def expect(seen: Scrape, stored: Any) -> None:
    """The numbers are those of what happened."""
    twins = seen.value("safelight_twins_total")
    assert twins >= 1
    values = {
        ("batches_accepted_total", "character", "mira"): 1,
        ("batches_total", "outcome", "completed"): 1,
        ("batches_total", "outcome", "failed"): 1,
        ("batches_total", "character", "ann"): 1,
        ("images_total", "outcome", "stored"): 3,
        ("images_total", "outcome", "failed"): 2,
        ("attempts_total", "outcome", "stored"): 3,
        ("attempts_total", "outcome", "error"): 3,
        ("attempts_total", "backend", "b1"): 3 + 3 + int(twins),
        ("retries_total", "reason", "error"): 2,
        ("publications_total", "outcome", "uploaded"): 3,
        ("publication_duration_seconds_count", "publisher", "cloudinary"): 3,
        ("attempt_duration_seconds_count", "backend", "b1"): 3,
        ("queue_depth", "pool", "default"): 0,
        ("backend_up", "backend", "b1"): 1,
        ("backend_slots", "backend", "b1"): 2,
        ("http_request_duration_seconds_count", "route", "/v1/batches"): 3,
    }
    found = {
        (name, label, value): seen.value(f"safelight_{name}", **{label: value})
        for name, label, value in values
    }
    assert found == values
    assert seen.value("safelight_image_duration_seconds_count") == 3
    assert seen.value("safelight_database_up") == seen.value("safelight_worker_up") == 1
    assert seen.value("safelight_bell_rings_total") > 0
    assert stored["id"] not in seen.text


def copied(serving: Serving) -> float:
    return at(serving, "publications_total", "uploaded")


def at(serving: Serving, name: str, outcome: str) -> float:
    return Scrape(f"{serving.url}/metrics").value(f"safelight_{name}", outcome=outcome)


def test_a_request_is_measured_by_its_template_and_never_by_its_address(
    processes: Processes,
) -> None:
    """Whatever strangers ask for, no address of theirs becomes a label."""
    serving = processes.serve()
    paths = ("/v1/batches/1234", "/v1/batches/5678", "/nothing/here", "/wp-login.php?sig=x")
    for path in paths:
        assert asked(serving, path, None)[0] == 404
    assert asked(serving, "/metrics", None, {})[0] == 405
    seen = Scrape(f"{serving.url}/metrics")
    count = "safelight_http_request_duration_seconds_count"
    assert seen.value(count, route="/v1/batches/{id}", method="GET", status="404") == 2
    assert seen.value(count, route="none", status="404") == 2
    assert seen.value(count, route="/metrics", method="POST", status="405") == 1
    labels = "\n".join(re.findall(r"\{.*\}", seen.text))
    assert 'route="none"' in labels
    assert not re.search("1234|5678|wp-login|nothing/here", labels)


def test_metrics_are_an_administrators(processes: Processes) -> None:
    """Once there are keys; whoever collects shows one."""
    serving = processes.serve()
    Scrape(f"{serving.url}/metrics")
    root, ann = made(processes, "admin"), made(processes, "user:ann")
    assert asked(serving, "/metrics", None)[0] == 401
    assert asked(serving, "/metrics", ann)[0] == 403
    assert Scrape(f"{serving.url}/metrics", root).value("safelight_build_info") == 1


def test_a_worker_shows_its_own_on_a_port_of_its_own(processes: Processes) -> None:
    """What happens is counted by whoever did it, what is a fact of the whole system is told by all
    alike. The port knows nothing else, and there is none unless it was asked for."""
    backend = processes.simulate()
    serving = processes.serve([backend.url], "--no-worker")
    worker = processes.start("work", "--metrics-port", "0")
    url = worker.line_with("Metrics are at").split()[-1]
    assert url.startswith("http://127.0.0.1:")
    serving.order(2)
    until(lambda: Scrape(url).value("safelight_images_total", outcome="stored") == 2)
    of_worker, of_api = Scrape(url), Scrape(f"{serving.url}/metrics")
    assert of_worker.value("safelight_worker_up") == 1
    with pytest.raises(KeyError):
        of_api.value("safelight_worker_up")
    assert of_api.value("safelight_images_total", outcome="stored") == 0
    assert of_api.value("safelight_batches_accepted_total", character="mira") == 1
    for seen in (of_worker, of_api):
        assert seen.value("safelight_backend_up", backend="b1") == 1
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(url.removesuffix("/metrics") + "/v1/batches", timeout=30)
    refused.value.close()
    assert worker.stop() == 0


async def test_a_database_that_hangs_holds_up_no_scrape(
    processes: Processes, postgres: embedded.Server, database_name: str
) -> None:
    """Somebody locks a table: the process is measured all the same, in time, and says that the
    database does not answer. Afterwards the facts are there again."""
    serving = await asyncio.to_thread(processes.serve)
    url = f"{serving.url}/metrics"
    arguments = {**postgres.connect_arguments(), "database": database_name}
    connection = await asyncpg.connect(**arguments)
    async with connection.transaction():
        await connection.execute("lock table publications")
        hanging = await asyncio.to_thread(Scrape, url)
        assert hanging.value("safelight_database_up") == 0
        assert list(hanging.of("safelight_deliveries_pending")) == []
        assert hanging.value("safelight_build_info") == 1
    await connection.close()
    await asyncio.to_thread(until, lambda: Scrape(url).value("safelight_database_up") == 1)
    assert list((await asyncio.to_thread(Scrape, url)).of("safelight_deliveries_pending"))


def test_a_port_that_is_taken_is_said_at_the_start(processes: Processes) -> None:
    """And which flag chooses another one; a host without a port is bad usage."""
    serving = processes.serve()
    port = serving.url.rpartition(":")[2]
    taken = processes.start("work", "--metrics-port", port)
    lonely = processes.start("work", "--metrics-host", "0.0.0.0")
    for refused in (taken, lonely):
        assert refused.popen.wait(60) == 2
        refused.end_of_lines()
        assert "--metrics-port" in "\n".join(refused.lines)
