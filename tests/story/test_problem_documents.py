"""The documents shown in the reference are those that the server answers with."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from typing import Any

import pytest

from safelight.database import embedded
from tests.chaos.test_database import read_only
from tests.docs.pages import DOCS, blocks
from tests.processes import Processes, Serving, until_ended
from tests.story.canceling import ordered, until

IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
LIMITS = "[limits]\nqueued_per_user = 6\n"


def shown() -> list[Any]:
    """Every problem document of the reference."""
    page = DOCS / "reference" / "problems.md"
    texts = [block.text for block in blocks() if block.page == page and block.language == "json"]
    return [alike(json.loads(text)) for text in texts]


def answered(serving: Serving, path: str, body: object = None) -> Any:
    """The problem that a request is refused with, without what is different each time."""
    data = json.dumps(body).encode() if body else None
    headers = {"Content-Type": "application/json"} if body else {}
    method = "GET" if path == "/readyz" else "POST"
    request = urllib.request.Request(serving.url + path, data, headers, method=method)
    with pytest.raises(urllib.error.HTTPError) as answer, urllib.request.urlopen(request):
        pass
    with answer.value as error:
        problem = json.load(error)
    assert error.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == error.code
    return problem


def alike(problem: Any) -> Any:
    """Without ids: they are new each time."""
    return json.loads(IDS.sub("ID", json.dumps(problem)))


def refused(serving: Serving, path: str, body: object = None) -> None:
    """It is refused with the document that the reference shows under its code."""
    problem = answered(serving, path, body)
    assert alike(problem) in shown(), json.dumps(problem, indent=2)


def test_what_cannot_be_cancelled_or_retried_is_answered_as_shown(processes: Processes) -> None:
    """Orders, cancels, retries and drains that cannot be are refused with the very documents of the
    reference."""
    simulating = processes.simulate(seconds=0.2)
    serving = processes.serve([simulating.url], config=LIMITS)
    stored = serving.order(2)
    refused(serving, f"/v1/batches/{stored['id']}/cancel")
    refused(serving, f"/v1/batches/{stored['id']}/retry")
    simulating.fault("reject", 1)
    failed = serving.order(2)
    refused(serving, f"/v1/batches/{failed['id']}/cancel")
    simulating.fault("reject", 0)
    simulating.fault("zombie", 1)
    waits = ordered(serving, 4)
    order = {"user": "ann", "character": "mira", "prompt": "", "quantity": 4}
    refused(serving, "/v1/batches", order)
    refused(serving, "/v1/batches", {**order, "quantity": 1, "deadline": 0})
    refused(serving, "/v1/backends/nobody/drain")
    assert serving.get(f"/v1/batches/{waits['id']}")["status"] in ("queued", "running")


def test_trouble_with_the_database_is_answered_as_shown(
    processes: Processes, postgres: embedded.Server, database_name: str
) -> None:
    """While the database takes no orders, orders and readiness are answered with the documents of
    the reference; afterwards an order is taken."""
    serving = processes.serve([processes.simulate(seconds=0.1).url])
    asyncio.run(read_only(postgres, database_name, "on"))
    until(lambda: not ready(serving))
    refused(serving, "/readyz")
    refused(
        serving, "/v1/batches", {"user": "ann", "character": "mira", "prompt": "", "quantity": 1}
    )
    asyncio.run(read_only(postgres, database_name, "off"))
    until(lambda: ready(serving))
    until_ended(serving, ordered(serving, 1)["id"])


def ready(serving: Serving) -> bool:
    try:
        return bool(serving.get("/readyz"))
    except urllib.error.HTTPError as error:
        error.close()
        return False
