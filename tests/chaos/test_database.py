"""Trouble with PostgreSQL under load: nothing is lost, nothing drawn twice, all recovers alone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from safelight.database import embedded
from tests.chaos.load import Customer, assert_all_served, customers
from tests.chaos.proxy import Proxy
from tests.processes import Processes, Serving, wait_until_ready


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_a_database_that_ends_under_load_costs_nothing(
    processes: Processes, number: signal.Signals
) -> None:
    """The embedded PostgreSQL is stopped (fast), crashed and killed while orders come and
    pictures are drawn: serve starts it again, every accepted image comes, drawn once, and who
    listens hears every event once."""
    simulating = processes.simulate(seconds=0.1)
    processes.database_url = ""
    serving = processes.serve([simulating.url])
    with customers(serving) as crowd:
        for _ in range(2):
            until_accepted(crowd, 2)
            os.kill(postmaster(processes), number)
            until_refused_or_ready(serving)
            wait_until_ready(serving)
        until_accepted(crowd, 2)
    assert assert_all_served(serving, crowd) == len(simulating.renderings())


def test_sessions_that_are_ended_again_and_again_cost_nothing(
    processes: Processes, postgres: embedded.Server, database_name: str
) -> None:
    """Every session is ended five times a second, in the middle of whatever it does: orders are
    accepted or answered with 503, every accepted image comes, drawn once, every event once."""
    simulating = processes.simulate(seconds=0.1)
    serving = processes.serve([simulating.url])
    with customers(serving) as crowd:
        until_accepted(crowd, 2)
        asyncio.run(end_sessions(postgres, database_name, times=25))
        until_accepted(crowd, 2)
    assert assert_all_served(serving, crowd) == len(simulating.renderings())


def test_a_database_without_a_free_connection_is_waited_for(processes: Processes) -> None:
    """Somebody else takes every connection, ours included, for some seconds: readiness says so,
    orders are answered with 503, and all goes on by itself when connections are free again."""
    simulating = processes.simulate(seconds=0.1)
    processes.database_url = ""
    serving = processes.serve([simulating.url])
    with customers(serving) as crowd:
        until_accepted(crowd, 2)
        asyncio.run(take_every_connection(processes, serving))
        wait_until_ready(serving)
        until_accepted(crowd, 2)
    assert assert_all_served(serving, crowd) == len(simulating.renderings())
    assert any(customer.refusals for customer in crowd)


def test_a_read_only_database_is_waited_for(
    processes: Processes, postgres: embedded.Server, database_name: str
) -> None:
    """The database takes no writes for some seconds, as after a failover to a standby: orders are
    answered with 503, nothing is drawn twice, and all goes on by itself."""
    simulating = processes.simulate(seconds=0.1)
    serving = processes.serve([simulating.url])
    with customers(serving) as crowd:
        until_accepted(crowd, 2)
        asyncio.run(read_only(postgres, database_name, "on"))
        until_refused(serving)
        time.sleep(5)  # while customers order and pictures end
        asyncio.run(read_only(postgres, database_name, "off"))
        wait_until_ready(serving)
        until_accepted(crowd, 2)
    assert assert_all_served(serving, crowd) == len(simulating.renderings())
    assert any(customer.refusals for customer in crowd)


@pytest.mark.skipif(os.geteuid() != 0, reason="to mount a small disk needs root: sudo make test")
def test_a_full_disk_under_the_database_loses_nothing(processes: Processes) -> None:
    """The disk of the embedded PostgreSQL fills up under load, as far as a crash of the server:
    orders are answered with 503, and when there is space again all goes on by itself."""
    simulating = processes.simulate(seconds=0.1)
    processes.database_url = ""
    with small_disk(processes.home / "state" / "postgres") as disk:
        serving = processes.serve([simulating.url])
        with customers(serving) as crowd:
            until_accepted(crowd, 2)
            ballast = fill(disk)
            until_orders_are_refused(crowd)
            ballast.unlink()
            wait_until_ready(serving, 60)
            until_accepted(crowd, 2)
        assert assert_all_served(serving, crowd) == len(simulating.renderings())
        assert any(customer.refusals for customer in crowd)
        assert serving.process.stop() == 0


def test_a_database_behind_a_dead_network_is_waited_for(
    processes: Processes, postgres: embedded.Server, database_name: str
) -> None:
    """The network between us and PostgreSQL is slow, then passes no byte for 20 seconds: orders
    and readiness are answered with 503 and not kept waiting for ever, leases are given up in
    time and taken again, every accepted image comes, drawn once."""
    simulating = processes.simulate(seconds=0.1)
    socket = postgres.data / "cluster" / ".s.PGSQL.5432"
    with Proxy(socket) as proxy:
        processes.database_url = (
            f"postgresql://{quote(postgres.user)}@127.0.0.1:{proxy.port}/{database_name}"
        )
        serving = processes.serve([simulating.url])
        with customers(serving) as crowd:
            until_accepted(crowd, 2)
            proxy.delay = 0.05
            until_accepted(crowd, 1)
            proxy.open.clear()
            until_refused(serving)
            time.sleep(20)  # the trouble itself
            proxy.open.set()
            proxy.delay = 0.0
            wait_until_ready(serving)
            until_accepted(crowd, 2)
        assert assert_all_served(serving, crowd) == len(simulating.renderings())
        assert any(customer.refusals for customer in crowd)
        assert serving.process.stop() == 0


def until_accepted(crowd: list[Customer], more: int, seconds: float = 60) -> None:
    """Until every customer has so many more batches accepted."""
    wanted = {customer.name: len(customer.accepted) + more for customer in crowd}
    until = time.monotonic() + seconds
    while any(len(customer.accepted) < wanted[customer.name] for customer in crowd):
        said = "\n".join(crowd[0].serving.process.lines[-40:])
        assert time.monotonic() < until, said
        time.sleep(0.02)


def until_orders_are_refused(crowd: list[Customer], seconds: float = 60) -> None:
    """Until customers have been refused a few times."""
    until = time.monotonic() + seconds
    while sum(len(customer.refusals) for customer in crowd) < 5:
        assert time.monotonic() < until
        time.sleep(0.05)


def readiness(serving: Serving) -> int:
    """The status of /readyz."""
    try:
        with urllib.request.urlopen(f"{serving.url}/readyz", timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        refusal = error
    with refusal:
        problem = json.load(refusal)
    assert refusal.headers["Retry-After"], problem
    assert problem["code"] == "not-ready", problem
    return refusal.code


def until_refused(serving: Serving, seconds: float = 30) -> None:
    """Until /readyz says 503."""
    until = time.monotonic() + seconds
    while readiness(serving) != 503:
        assert time.monotonic() < until, serving.process.lines[-20:]
        time.sleep(0.05)


def until_refused_or_ready(serving: Serving, seconds: float = 3) -> None:
    """Until /readyz says 503; a quick restart may pass between two looks."""
    until = time.monotonic() + seconds
    while readiness(serving) != 503 and time.monotonic() < until:
        time.sleep(0.01)


def cluster(processes: Processes) -> Path:
    """The folder of the embedded server of these processes."""
    return processes.home / "state" / "postgres" / "cluster"


def postmaster(processes: Processes) -> int:
    """The main process of the embedded server."""
    return int((cluster(processes) / "postmaster.pid").read_text().split()[0])


async def end_sessions(postgres: embedded.Server, name: str, times: int) -> None:
    """End every session of a database, again and again."""
    connection = await asyncpg.connect(**{**postgres.connect_arguments(), "database": "postgres"})
    for _ in range(times):
        await _end_all(connection, name)
        await asyncio.sleep(0.2)
    await connection.close()


async def _end_all(connection: Any, name: str) -> None:
    await connection.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = $1 and pid <> pg_backend_pid()",
        name,
    )


async def read_only(postgres: embedded.Server, name: str, how: str) -> None:
    """Let a database take writes or not, for every session from now on."""
    connection = await asyncpg.connect(**{**postgres.connect_arguments(), "database": "postgres"})
    await connection.execute(f"alter database {name} set default_transaction_read_only = {how}")
    await _end_all(connection, name)
    await connection.close()


async def take_every_connection(processes: Processes, serving: Serving) -> None:
    """Take all there are, also those of `serving`, until it has noticed, and 3 s more."""
    folder = os.open(cluster(processes), os.O_RDONLY | os.O_DIRECTORY)
    taken: list[Any] = []
    arguments = {"host": f"/proc/self/fd/{folder}", "user": "safelight", "database": "postgres"}

    async def take() -> None:
        while True:
            try:
                taken.append(await asyncpg.connect(**arguments))
            except asyncpg.TooManyConnectionsError:
                return

    try:
        await take()
        for _ in range(3):
            await taken[0].fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where backend_type = 'client backend' and pid <> all($1::int[])",
                [connection.get_server_pid() for connection in taken],
            )
            await take()
        await asyncio.to_thread(until_refused, serving)
        await asyncio.sleep(3)
    finally:
        for connection in taken:
            connection.terminate()
        os.close(folder)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 160 MB at this folder."""
    folder.mkdir(parents=True, mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", "size=160m,mode=0700", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"not possible here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Write a file until there is no space left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            while True:
                try:
                    file.write(b"\0" * size)
                except OSError:
                    break
    return ballast
