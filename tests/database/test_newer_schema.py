"""A process and a schema that has moved on: refused at the start, told and obeyed while running."""

from __future__ import annotations

import asyncio
import json
import urllib.error

import asyncpg
import pytest

from tests.processes import Processes, Serving, until_ended, wait_until_ready
from tests.waiting import until

FUTURE = "insert into safelight_migrations (number, name, sha256) values (9001, '9001_later', '')"
BACK = "delete from safelight_migrations where number = 9001"


def run(url: str, *statements: str) -> None:
    """Statements that only a newer version, or a restore, would run."""

    async def running() -> None:
        connection = await asyncpg.connect(url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(running())


def readiness(serving: Serving) -> str:
    """What /readyz says of the database."""
    try:
        said = serving.get("/readyz")
    except urllib.error.HTTPError as error:
        with error:
            said = json.load(error)
    return str(said["checks"]["database"])


def test_a_schema_of_a_newer_version_is_refused_at_the_start(processes: Processes) -> None:
    """serve, work and migrate end with exit code 2, say what is wrong and what to do, and change
    nothing."""
    processes.configure([])
    run(processes.database_url, FUTURE)
    for command in (["serve", "--port", "0"], ["work"], ["migrate"]):
        process = processes.start(*command)
        assert process.popen.wait(60) == 2
        until(lambda: any("Install that version" in line for line in process.lines))  # noqa: B023
        assert "migration 9001, which this version does not know" in "\n".join(process.lines)
        assert "Traceback" not in "\n".join(process.lines)


def test_readiness_says_that_the_schema_has_moved_on(processes: Processes) -> None:
    """During a rolling upgrade the old process says so, and goes on drawing: its version may."""
    serving = processes.serve([processes.simulate().url])
    run(processes.database_url, FUTURE)
    until(lambda: "migration 9001" in readiness(serving))
    assert serving.order(2)["status"] == "completed"
    run(processes.database_url, BACK)
    wait_until_ready(serving)


def test_a_worker_too_old_for_the_schema_stops_pulling(processes: Processes) -> None:
    """A migration that old workers must not survive says so in its own transaction: they give
    their backends up, and what is ordered waits for a newer one."""
    simulating = processes.simulate()
    serving = processes.serve([simulating.url])
    serving.order(1)
    run(processes.database_url, FUTURE, "update installation set oldest = 9001")
    until(lambda: serving.get("/v1/backends")["data"][0]["worker"] is None)
    batch = serving.order(2, wait=3)
    assert batch["status"] == "queued"
    assert len(simulating.renderings()) == 1
    run(processes.database_url, BACK, "update installation set oldest = 7")
    assert until_ended(serving, batch["id"])["status"] == "completed"


def test_a_process_does_nothing_with_a_database_of_another_life(processes: Processes) -> None:
    """After a restore under its feet a process can neither read nor write, and says why."""
    simulating = processes.simulate()
    serving = processes.serve([simulating.url])
    run(
        processes.database_url,
        "update installation set life = gen_random_uuid()",
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()",
    )
    until(lambda: "start it again" in readiness(serving))
    with pytest.raises(urllib.error.HTTPError) as refusal:
        serving.order(1)
    assert refusal.value.code == 503
    refusal.value.close()
    assert serving.process.stop() == 0
    again = processes.serve([simulating.url])
    assert again.order(1)["status"] == "completed"
