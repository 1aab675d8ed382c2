"""What one image costs PostgreSQL, counted by PostgreSQL: counts are promised, times are not."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from safelight.database import embedded
from tests.processes import Processes, Serving

IMAGES = 15
# Who said it stands before every line: leases and the bell have sessions with other names.
LOGGED = {"log_statement": "all", "log_line_prefix": "#%a#"}
STATEMENT = re.compile(rb"^#safelight [0-9a-f]{8}#LOG:  (?:statement|execute [^:]+):", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """What PostgreSQL did between a request and its stored answer."""

    statements: int
    commits: int  # transactions that wrote


@pytest.fixture(scope="module")
def logging_postgres() -> Iterator[embedded.Server]:
    """A PostgreSQL of its own, which writes down every statement."""
    folder = Path(tempfile.mkdtemp(prefix="sl-"))
    server = asyncio.run(embedded.attach(folder / "pg", settings=LOGGED))
    yield server
    asyncio.run(embedded.release(server))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def serving(
    logging_postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """A `serve` on it; `ben` is drawn in a pool that has no backend."""
    server = logging_postgres
    socket = quote(str(server.data / "cluster"), safe="")
    url = f"postgresql://{server.user}@/{server.database}?host={socket}"
    processes = Processes(tmp_path_factory.mktemp("cost"), url)
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
        return len(STATEMENT.findall(logging_postgres.log.read_bytes()[written:]))

    assert min(statements(ended) for _ in range(IMAGES)) == 1
    assert min(statements(waiting) for _ in range(IMAGES)) == 2


def test_who_has_no_webhook_pays_for_none(
    logging_postgres: embedded.Server, serving: Serving
) -> None:
    """No row, no lock, no errand; a worker asks once a second whether there is a webhook."""
    written = logging_postgres.log.stat().st_size
    for _ in range(IMAGES):
        serving.order(1)
    said = logging_postgres.log.read_bytes()[written:]
    assert said.count(b"insert into batches") == IMAGES
    for what in (b"insert into webhooks", b"into deliveries", b"update deliveries set nudges"):
        assert what not in said
    assert b"from telling for update" not in said


def _cost(server: embedded.Server, order: Any) -> Cost:
    written = server.log.stat().st_size
    transactions = _transactions(server)
    batch = order()
    said = server.log.read_bytes()[written:]
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
