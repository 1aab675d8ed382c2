"""A database that is away in the middle of a request is waited for, and the answer comes."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from openai import OpenAI

from safelight.database.embedded import Server
from tests.images_face.locking import locked_out
from tests.images_face.sdk import batches, client_of, extra, pictures
from tests.processes import Processes, Serving
from tests.story.test_previews import SAMPLED
from tests.waiting import until

AWAY = 3.0  # s; less than a worker keeps its leases without it


def streamed(client: OpenAI) -> list[int]:
    """The indices that a stream gives, each in an event of its own."""
    with client.images.generate(model="ben", prompt="x", user="sam", stream=True) as events:
        return [extra(event, "index") for event in events]


def heard(serving: Serving, id: str) -> list[str]:
    """The types of what a batch's stream tells, on one connection to its end."""
    with urllib.request.urlopen(f"{serving.url}/v1/batches/{id}/events", timeout=60) as answer:
        lines = answer.read().decode().split("\n")
    return [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]


async def away(server: Server, name: str) -> None:
    """For a while."""
    async with locked_out(server, name):
        await asyncio.sleep(AWAY)


def test_every_way_of_waiting_outlasts_a_database_that_is_away(
    processes: Processes, postgres: Server, database_name: str
) -> None:
    """Nobody reaches the database while pictures are drawn: a stream of an OpenAI client, a call of
    one, an order with `Prefer: wait` and a listener all get to the end of their batches, on the
    connections they had, and nothing is ordered twice."""
    simulators = [processes.simulate(seconds=6) for _ in range(3)]
    serving = processes.serve([each.url for each in simulators], config=SAMPLED)
    with client_of(serving.url, max_retries=0) as client, ThreadPoolExecutor(4) as pool:
        stream = pool.submit(streamed, client)
        call = pool.submit(client.images.generate, model="mira", prompt="x", user="cal")
        native: Any = pool.submit(serving.order, 1, user="nat")
        until(lambda: all(batches(serving, user) for user in ("sam", "cal", "nat")))
        events = pool.submit(heard, serving, batches(serving, "sam")[0]["id"])
        until(lambda: all(each.renderings() for each in simulators))
        time.sleep(0.5)  # so that all listen
        asyncio.run(away(postgres, database_name))
        assert stream.result(60) == [1]
        assert len(pictures(call.result(60))) == 1
        assert native.result(60)["status"] == "completed"
        told = events.result(60)
    assert told[-1] == "batch.completed"
    assert "progress" in told
    assert "problem" not in told
    assert [len(batches(serving, user)) for user in ("sam", "cal", "nat")] == [1, 1, 1]
