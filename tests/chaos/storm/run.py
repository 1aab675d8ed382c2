"""One storm from beginning to end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import aiohttp

from tests.chaos.storm.clients import Clients
from tests.chaos.storm.evidence import collect
from tests.chaos.storm.nature import Nature
from tests.chaos.storm.oracle import violations
from tests.chaos.storm.plan import Plan
from tests.chaos.storm.report import Report, make_report
from tests.chaos.storm.stage import Stage
from tests.chaos.storm.watching import watches

READY = 40.0  # s until everything answers for the first time


async def run(plan: Plan, folder: Path, settle: float) -> Report:
    """Let it blow over a system in this folder; `settle` seconds later all images must have ended.

    Everything is stopped at the end, also when it is cancelled.
    """
    stage = Stage(folder, plan.seed)
    report: Report | None = None
    left: list[str] = []
    try:
        await stage.start()
        report = await _storm(plan, stage, settle)
    finally:
        left = await stage.stop()
    report.left_running = left
    return report


async def _storm(plan: Plan, stage: Stage, settle: float) -> Report:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        clients = Clients(stage.url, session, Random(f"{plan.seed} clients"))
        async with asyncio.timeout(READY):
            await clients.get("/readyz", tries=1000)
        nature = Nature(stage, watches(stage))
        looks = [asyncio.create_task(watch.look()) for watch in nature.watches]
        everything = asyncio.create_task(clients.listen_to_all())
        began = time.monotonic()
        try:
            late = await _weather(plan, nature, clients, settle)
            seconds = time.monotonic() - began
            found = await collect(stage, clients)
            await _until_all_is_heard(clients, sum(b["last_event"] for b in found.batches.values()))
            wrong = late + list(violations(found, clients, nature.watches))
        finally:
            with _ended(*looks, everything):
                await asyncio.sleep(0)
        return make_report(plan, seconds, found, clients, nature, wrong)


async def _weather(plan: Plan, nature: Nature, clients: Clients, settle: float) -> list[str]:
    """Storm and orders at the same time; names orders that had not ended in time."""
    orders = [asyncio.create_task(clients.order(order), name=order.key) for order in plan.orders]
    with _ended(*orders):
        await nature.blow(plan)
        _, late = await asyncio.wait(orders, timeout=settle)
        broken = [task.exception() for task in orders if task.done() and not task.cancelled()]
        return [f"order {task.get_name()} had not ended in time" for task in late] + [
            f"a client broke: {error!r}" for error in broken if error
        ]


async def _until_all_is_heard(clients: Clients, events: int) -> None:
    for _ in range(100):
        if len(clients.everything) >= events:
            return
        await asyncio.sleep(0.1)


@contextmanager
def _ended(*tasks: asyncio.Task[None]) -> Iterator[None]:
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
