"""How many batches of 4 are accepted a second, and what bare commits of their size would reach.

Sixteen clients on one process and one loop, requests made beforehand. Every answer is kept, and
afterwards the indices of each series must be 1, 2, 3, … without a gap and without a double, four in
a row for each batch.
"""

from __future__ import annotations

import asyncio
import json
import time
from statistics import median
from typing import Any, Final
from uuid import uuid4

import asyncpg
import msgspec

from benchmarks.disk import sync_ms
from benchmarks.rawhttp import RawConnection, post
from benchmarks.stage import Stage
from benchmarks.timing import spread
from benchmarks.verdict import Mark, Verdict, at_least
from safelight.database import embedded
from tests.processes import Serving

CLIENTS: Final = 16
QUANTITY: Final = 4
_PLAN: Final = "x" * 1000  # about what a plan and an event take
_FLOOR_TABLE: Final = """
create table if not exists floor (id uuid primary key, batch uuid not null, told text not null)
"""
_FLOOR_INSERT: Final = """
insert into floor (id, batch, told)
select row.id, $1, row.told from unnest($2::uuid[], $3::text[]) as row (id, told)
"""


class Account:
    """Which indices were given out, by series."""

    def __init__(self) -> None:
        self.ranges: dict[str, list[list[int]]] = {}

    def note(self, answer: tuple[int, bytes]) -> None:
        """One answer to an order."""
        status, body = answer
        assert status == 201, body
        batch = msgspec.json.decode(body)
        self.ranges.setdefault(batch["user"], []).append(batch["indices"])

    def check(self, serving: Serving | None = None) -> int:
        """Every range is exact, as the server says, too; how many batches there were."""
        for user, ranges in self.ranges.items():
            for found in ranges:
                assert found == list(range(found[0], found[0] - QUANTITY, -1)), (user, found)
            given = sorted(index for found in ranges for index in found)
            assert given == list(range(1, len(given) + 1)), f"{user}: gaps or doubles"
            if serving:
                assert serving.get(f"/v1/series/{user}/mira")["highest"] == len(given)
        return sum(map(len, self.ranges.values()))


def accept(stage: Stage, quick: bool) -> list[Verdict]:
    """Over 16 series and in one, in turns, with the floor in between."""
    serving = stage.serve([], "--no-worker")
    account = Account()
    count = 300 if quick else 1200
    found: dict[str, list[float]] = {"sixteen": [], "one": [], "floor": [], "fsync_ms": []}

    async def measure() -> None:
        await orders(serving.url, 100, "warm", CLIENTS, account)
        for _ in range(2 if quick else 5):
            found["fsync_ms"].append(sync_ms(stage.home))
            found["sixteen"].append(await orders(serving.url, count, "many", CLIENTS, account))
            found["floor"].append(await _floor(stage, count))
            found["one"].append(await orders(serving.url, count, "one", 1, account))

    asyncio.run(measure())
    checked = {"batches": account.check(serving), "indices_exact": True}
    return [
        _verdict("accept-16", "over 16 series", "sixteen", found, checked, at_least(200, 300)),
        _verdict("accept-1", "in one series", "one", found, checked, at_least(100)),
    ]


def _verdict(
    name: str,
    where: str,
    key: str,
    found: dict[str, list[float]],
    checked: dict[str, Any],
    marks: tuple[Mark, ...],
) -> Verdict:
    share = median(ours / floor for ours, floor in zip(found[key], found["floor"], strict=True))
    return Verdict(
        name,
        f"batches of 4 accepted a second through HTTP, 16 clients, {where}",
        *spread(found[key]),
        f"/s, x{share:.2f}",
        f"{median(found[key]):.0f} /s",
        f"{median(found['floor']):.0f} commits/s",
        marks,
        {"ours": found[key], "floor": found["floor"], "fsync_ms": found["fsync_ms"], **checked},
    )


async def orders(
    url: str, count: int, prefix: str, series: int, account: Account, key: str | None = None
) -> float:
    """Batches a second; every answer goes into the account after the clock stopped."""
    connections = [await RawConnection.open(url) for _ in range(CLIENTS)]
    whose = {"character": "mira", "prompt": "on a beach", "quantity": QUANTITY}
    where = f"{url}/v1/batches"
    users = [f"{prefix}{n % series}" for n in range(CLIENTS)]
    requests = [post(where, {"user": user, **whose}, key) for user in users]
    left = iter(range(count))
    answers: list[tuple[int, bytes]] = []

    async def one(connection: RawConnection, order: bytes) -> None:
        for _ in left:
            answers.append(await connection.ask(order))

    began = time.perf_counter()
    await asyncio.gather(*map(one, connections, requests))
    taken = time.perf_counter() - began
    for connection in connections:
        connection.close()
    for answer in answers:
        account.note(answer)
    return count / taken


async def _floor(stage: Stage, count: int) -> float:
    """Bare commits a second: ten rows of the same size in one statement, 16 sessions."""
    server = await embedded.attach(stage.postgres)
    try:
        sessions = [await asyncpg.connect(**server.connect_arguments()) for _ in range(CLIENTS)]
        await sessions[0].execute(_FLOOR_TABLE)
        left = iter(range(count))

        async def one(session: asyncpg.Connection) -> None:
            for _ in left:
                await session.execute(_FLOOR_INSERT, uuid4(), *_rows())

        began = time.perf_counter()
        await asyncio.gather(*map(one, sessions))
        taken = time.perf_counter() - began
        for session in sessions:
            await session.close()
    finally:
        await embedded.release(server)
    return count / taken


def _rows() -> tuple[list[Any], list[str]]:
    """As many rows as an order of four makes: batch, event, four images, four places in line."""
    member = json.dumps({"index": 1, "seed": 2**52, "status": "queued", "turn": 100, "pool": "x"})
    return [uuid4() for _ in range(10)], [_PLAN, member, *[member] * 8]
