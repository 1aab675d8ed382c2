"""In a running system every metric of the reference moves, also those that only trouble moves."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import asyncpg
import pytest

from safelight.core.signing import secret_of
from tests.processes import Processes, Serving, Simulating, until_ended
from tests.receiver import Message, Receiver
from tests.standins import Cloudinary
from tests.story.scraping import Looks
from tests.story.test_late_pictures import ORDER, attempts, freeze, ready, thaw
from tests.story.test_metrics import SAME
from tests.waiting import until

CONFIG = f"""
[rendering]
lost_after = 1
[webhooks]
secret = "{secret_of(b"s" * 32)}"
allow_private = true
retry_schedule = [3600]
[styles.side]
pool = "side"
[characters.sid]
workflow = "quick"
style = "side"
[workflows.same]
file = "same.json"
slots = {{ seed = "3.seed" }}
[characters.ann]
workflow = "same"
style = "side"
"""


def behave(message: Message) -> tuple[int, Mapping[str, str]]:
    """Who is told at /hook is glad, at /later has trouble, at /gone wants nothing more."""
    return {"/later": 500, "/gone": 410}.get(message.path, 204), {}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver(behave).open()
    yield opened
    opened.close()


@pytest.fixture
def cdn() -> Iterator[Cloudinary]:
    with Cloudinary() as standin:
        standin.faults(error=1_000_000)
        yield standin


def config(home: Path, cdn: Cloudinary, side: Simulating) -> str:
    """A pool `side` of its own; copies that are tried once more in an hour, or at once."""
    (home / "same.json").write_text(SAME)
    late = cdn.toml("late", retry_schedule="[3600]")
    never = cdn.toml("never", retry_schedule="[0.1]")
    backend = f'[[backends]]\nname = "side"\nurl = "{side.url}"\npool = "side"\n'
    return CONFIG + late + never + backend


def test_every_metric_of_the_reference_is_seen_above_zero(
    processes: Processes, receiver: Receiver, cdn: Cloudinary
) -> None:
    """A server freezes with an image, which waits until another one is let work again, and then
    comes back with the picture: what the other one draws is spare, and a ghost. Meanwhile copies
    fail, webhooks are refused, twins are drawn, an order is canceled, and the database keeps
    somebody waiting. In the end no metric of the reference has stayed at zero."""
    quick, slow = processes.simulate(seconds=4), processes.simulate(seconds=90)
    more = config(processes.home, cdn, processes.simulate(seconds=0))
    serving = processes.serve([quick.url, slow.url], "--no-worker", config=more)
    worker = processes.start("work", "--metrics-port", "0")
    looks = Looks(f"{serving.url}/metrics", worker.line_with("Metrics are at").split()[-1])
    with urllib.request.urlopen(f"{serving.url}/v1/events", timeout=60):
        until(lambda: ready(serving, "b1", "b2", "side"))
        serving.post("/v1/backends/b2/drain", None)
        id = serving.post("/v1/batches", ORDER)["id"]
        until(quick.renderings)
        freeze(quick)
        try:
            beside(serving, receiver, looks)
            while_nobody_draws(serving, id, looks)
            serving.post("/v1/backends/b2/resume", None)
            until(slow.renderings)
            see(looks, "backend_busy", backend="b2")
        finally:
            thaw(quick)
        assert until_ended(serving, id)["status"] == "completed"
        see(looks, "spare_pictures_total")
        see(looks, "ghosts_total", backend="b2")
        see(looks, "sse_clients")
    asyncio.run(while_the_line_is_locked(processes.database_url, looks))
    see(looks, "bell_messages_total", direction="sent")
    see(looks, "bell_messages_total", direction="heard")
    assert looks.never == set()


def beside(serving: Serving, receiver: Receiver, looks: Looks) -> None:
    """What goes on in another pool: copies and messages in every way they end, and twins."""
    for path in ("/hook", "/later", "/gone"):
        webhook = {"url": receiver.url.replace("/hook", path)}
        assert serving.order(1, character="sid", webhook=webhook)["status"] == "completed"
    assert serving.order(2, character="ann")["status"] == "partial"
    for outcome in ("delivered", "delayed", "dead"):
        see(looks, "deliveries_total", outcome=outcome)
    see(looks, "deliveries_pending")
    see(looks, "publications_total", outcome="delayed", publisher="late")
    see(looks, "publications_total", outcome="failed", publisher="never")
    see(looks, "publications_pending", publisher="late")
    see(looks, "twins_total")
    see(looks, "retries_total", reason="twin")


def while_nobody_draws(serving: Serving, id: str, looks: Looks) -> None:
    """One backend is frozen, the other lets nothing in: an image waits, another one is canceled."""
    until(lambda: attempts(serving, id)[0]["outcome"] == "lost")
    see(looks, "backend_resting", backend="b2", reason="draining")
    see(looks, "queue_depth", pool="default")
    see(looks, "queue_wait_seconds", pool="default")
    unwanted = serving.post("/v1/batches", ORDER)["id"]
    serving.post(f"/v1/batches/{unwanted}/cancel", {})
    see(looks, "images_total", outcome="canceled")
    see(looks, "batches_total", outcome="canceled")


async def while_the_line_is_locked(database_url: str, looks: Looks) -> None:
    """Whoever pulls waits for the lock, on a session that is busy as long."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("lock table pgqueuer")
            await asyncio.to_thread(see, looks, "database_sessions", state="busy")
    finally:
        await connection.close()


def see(looks: Looks, name: str, **labels: str) -> None:
    """Until it is above zero."""
    until(lambda: looks.see(name, **labels), 45)
