"""A database that restarts in the middle of a request is waited for, and the answer comes."""

from __future__ import annotations

import os
import signal
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from openai import OpenAI

from tests.images_face.sdk import batches, client_of, extra, pictures
from tests.processes import Processes, Serving, until_ended, wait_until_ready
from tests.waiting import until


def streamed(client: OpenAI) -> list[int]:
    """The indices that a stream gives, each in an event of its own."""
    with client.images.generate(model="mira", prompt="x", n=3, user="sam", stream=True) as events:
        return [extra(event, "index") for event in events]


def heard(serving: Serving, id: str) -> list[str]:
    """The types of the events of a batch, as one connection tells them to its end."""
    with urllib.request.urlopen(f"{serving.url}/v1/batches/{id}/events", timeout=60) as answer:
        lines = answer.read().decode().split("\n")
    return [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]


def test_every_way_of_waiting_outlasts_a_database_that_is_killed(processes: Processes) -> None:
    """kill -9 of PostgreSQL while pictures are drawn: a stream of an OpenAI client, a call of one,
    an order with `Prefer: wait` and a listener all get to the end of their batches, on the
    connections they had, and nothing is ordered twice."""
    processes.database_url = ""
    serving = processes.serve([processes.simulate(seconds=1).url])
    with client_of(serving.url, max_retries=0) as client, ThreadPoolExecutor(4) as pool:
        stream = pool.submit(streamed, client)
        call = pool.submit(client.images.generate, model="mira", prompt="x", n=2, user="cal")
        native: Any = pool.submit(serving.order, 2, user="nat")
        until(lambda: all(batches(serving, user) for user in ("sam", "cal", "nat")))
        events = pool.submit(heard, serving, batches(serving, "sam")[0]["id"])
        until(lambda: batches(serving, "sam")[0]["counts"]["stored"])
        cluster = processes.home / "state" / "postgres" / "cluster"
        os.kill(int((cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        assert sorted(stream.result(60)) == [1, 2, 3]
        assert len(pictures(call.result(60))) == 2
        assert native.result(60)["status"] == "completed"
        told = events.result(60)
    assert told[-1] == "batch.completed"
    assert "problem" not in told
    wait_until_ready(serving)
    for user in ("sam", "cal", "nat"):
        [batch] = batches(serving, user)
        assert until_ended(serving, batch["id"])["status"] == "completed"
