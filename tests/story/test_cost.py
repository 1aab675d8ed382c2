"""What one image costs PostgreSQL, counted by PostgreSQL: counts are promised, times are not."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from safelight.database import embedded
from tests.processes import Processes, Serving
from tests.story.statements import STATEMENT, logging_server, said_since, url_of

IMAGES = 15


@dataclass(frozen=True)
class Cost:
    """What PostgreSQL did between a request and its stored answer."""

    statements: int
    commits: int  # transactions that wrote


@pytest.fixture(scope="module")
def logging_postgres() -> Iterator[embedded.Server]:
    """A PostgreSQL of its own, which writes down every statement."""
    with logging_server() as server:
        yield server


@pytest.fixture(scope="module")
def serving(
    logging_postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """A `serve` on it; `ben` is drawn in a pool that has no backend."""
    processes = Processes(tmp_path_factory.mktemp("cost"), url_of(logging_postgres))
    far = '[styles.far]\npool = "far"\n[characters.ben]\nworkflow = "quick"\nstyle = "far"\n'
    try:
        yield processes.serve([processes.simulate(seconds=0).url], config=far)
    finally:
        processes.stop_all()


@pytest.fixture(scope="module")
def costs(logging_postgres: embedded.Server, serving: Serving) -> list[Cost]:
    """The cost of each of some orders of one image, one after the other."""
    serving.order(1)  # the first one prepares statements and keeps the workflow
    return [_cost(logging_postgres, lambda: serving.order(1)) for _ in range(IMAGES)]


def test_every_commit_is_on_the_disk(logging_postgres: embedded.Server) -> None:
    """What is counted here is durable: no setting trades safety for speed."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        assert _ask(logging_postgres, f"show {name}") == "on"


def test_an_image_costs_at_most_three_commits(costs: list[Cost]) -> None:
    """Accepted, dispatched, stored: each of them is one transaction, and there is no other.

    Leases are renewed meanwhile, so the cheapest image is the one without their transactions."""
    assert 1 <= min(cost.commits for cost in costs) <= 3


def test_an_image_costs_at_most_twenty_statements(costs: list[Cost]) -> None:
    """From the request to the answer that shows the image stored, with BEGIN and COMMIT counted."""
    assert 3 <= min(cost.statements for cost in costs) <= 20


def test_saying_when_it_will_be_there_costs_one_statement(
    logging_postgres: embedded.Server, serving: Serving
) -> None:
    """And nothing once the batch has ended."""
    ended = serving.order(1)["id"]
    waiting = serving.order(1, wait=0, character="ben")["id"]

    def statements(id: str) -> int:
        written = logging_postgres.log.stat().st_size
        serving.get(f"/v1/batches/{id}")
        return len(STATEMENT.findall(said_since(logging_postgres, written)))

    assert min(statements(ended) for _ in range(IMAGES)) == 1
    assert min(statements(waiting) for _ in range(IMAGES)) == 2


def test_a_poll_that_finds_nothing_new_costs_one_statement(
    logging_postgres: embedded.Server, serving: Serving
) -> None:
    """Of a batch that waits and of one that has ended: 304, and nothing but the look itself. Every
    ten seconds what waits is answered in full, with when it is expected."""
    for batch in (serving.order(1), serving.order(1, wait=0, character="ben")):
        url = f"{serving.url}/v1/batches/{batch['id']}"
        answers = [(200, 0)]
        with urllib.request.urlopen(url, timeout=30) as answer:
            tag = answer.headers["etag"]
        for _ in range(IMAGES):
            written = logging_postgres.log.stat().st_size
            request = urllib.request.Request(url, headers={"If-None-Match": tag})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    status, tag = answer.status, answer.headers["etag"]
            except urllib.error.HTTPError as error:
                with error:
                    status = error.code
            said = said_since(logging_postgres, written)
            answers.append((status, len(STATEMENT.findall(said))))
        assert min(cost for status, cost in answers if status == 304) == 1
        assert [status for status, _ in answers].count(304) >= IMAGES - 2


def test_who_has_no_webhook_pays_for_none(
    logging_postgres: embedded.Server, serving: Serving
) -> None:
    """No row, no lock, no errand; a worker asks once a second whether there is a webhook, and now
    and then whether the token of a message was lost."""
    written = logging_postgres.log.stat().st_size
    for _ in range(IMAGES):
        serving.order(1)
    said = said_since(logging_postgres, written)
    assert said.count(b"insert into batches") == IMAGES
    nudged = b"update deliveries set nudges = nudges + 1 from next where"
    for what in (b"insert into webhooks", b"into deliveries", nudged):
        assert what not in said
    # The look for lost tokens belongs to the clock, not to an image.
    assert said.count(b"update deliveries set nudges") < IMAGES
    assert b"from telling for update" not in said


def _cost(server: embedded.Server, order: Any) -> Cost:
    written = server.log.stat().st_size
    transactions = _transactions(server)
    batch = order()
    said = said_since(server, written)
    after = _transactions(server)
    assert batch["status"] == "completed"
    return Cost(len(STATEMENT.findall(said)), after - transactions)


def _transactions(server: embedded.Server) -> int:
    """The number of the next transaction that writes."""
    return int(_ask(server, "select pg_snapshot_xmax(pg_current_snapshot())::text"))


def _ask(server: embedded.Server, statement: str) -> str:
    async def ask() -> str:
        connection = await asyncpg.connect(**server.connect_arguments())
        try:
            return str(await connection.fetchval(statement))
        finally:
            await connection.close()

    return asyncio.run(ask())
