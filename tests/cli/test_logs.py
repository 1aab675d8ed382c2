"""The log of a process that no person watches: every line of it is JSON, whoever wrote it."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from safelight.database import embedded
from tests.processes import Processes, Serving, wait_until_ready
from tests.waiting import until


def logged(serving: Serving) -> list[dict[str, Any]]:
    """What was logged so far; the one line that is for people is left out."""
    lines = [line for line in serving.process.lines if "Safelight listens on" not in line]
    return [json.loads(line) for line in lines]


def nonsense(serving: Serving) -> None:
    """What is no HTTP."""
    address = urlsplit(serving.url)
    with socket.create_connection((address.hostname, address.port or 80), 10) as connection:
        connection.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        connection.recv(1000)


def test_what_libraries_log_and_warn_of_is_json_like_everything(processes: Processes) -> None:
    """The database driver warns of a password file that others may read, the HTTP server complains
    of nonsense, we tell of a backend that is not there: each is one JSON object on one line."""
    passwords = processes.home / "passwords"
    passwords.write_text("")
    passwords.chmod(0o644)
    gone = processes.simulate()
    gone.process.kill()
    serving = processes.serve([gone.url], environ={"PGPASSFILE": str(passwords)})
    nonsense(serving)
    until(
        lambda: {"py.warnings", "uvicorn.error"} <= {line.get("logger") for line in logged(serving)}
    )
    until(lambda: any("logger" not in line for line in logged(serving)))
    assert serving.process.stop() == 0
    serving.process.end_of_lines()
    lines = logged(serving)
    for line in lines:
        assert {"event", "level", "ts"} <= line.keys()
        assert not {"_record", "_from_structlog"} & line.keys()
    warned = [line for line in lines if line.get("logger") == "py.warnings"]
    assert all(line["level"] == "warning" for line in warned)
    assert any("password file" in line["event"] for line in warned)
    [told] = [line for line in lines if line.get("logger") == "uvicorn.error"]
    assert told["event"] == "Invalid HTTP request received."


def test_a_traceback_of_a_library_is_one_line_too(
    processes: Processes, postgres: embedded.Server, database_name: str
) -> None:
    """The database lets nobody in for a while; the driver tells so with the whole traceback."""
    serving = processes.serve()
    let_in(postgres, database_name, False)
    until(lambda: told_by_the_driver(serving))
    let_in(postgres, database_name, True)
    wait_until_ready(serving)
    assert all(line["level"] == "warning" for line in told_by_the_driver(serving))


def told_by_the_driver(serving: Serving) -> list[dict[str, Any]]:
    """With a traceback of why nobody is let in."""
    return [
        line
        for line in logged(serving)
        if line.get("logger") == "asyncpg.pool"
        and "Traceback" in line.get("exception", "")
        and "not currently accepting connections" in line["exception"]
    ]


def let_in(postgres: embedded.Server, name: str, anybody: bool) -> None:
    """From now on; if nobody, those who are in have to go."""

    async def setting() -> None:
        connection = await asyncpg.connect(**postgres.connect_arguments())
        await connection.execute(f"alter database {name} with allow_connections {anybody}")
        if not anybody:
            await connection.fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name
            )
        await connection.close()

    asyncio.run(setting())


def test_commands_keep_secrets_out_of_what_is_logged_meanwhile(processes: Processes) -> None:
    """The database driver warns of a password file; it is called like a secret of the settings."""
    secret = "hunter2-and-more"
    passwords = processes.home / secret
    passwords.write_text("")
    passwords.chmod(0o644)
    processes.configure([])
    environ = {"PGPASSFILE": str(passwords), "SAFELIGHT_KEY": secret}
    for command in (("keys", "ls"), ("migrate",)):
        process = processes.start(*command, environ=environ)
        assert process.popen.wait(60) == 0, process.lines
        process.end_of_lines()
        assert process.lines_with("password file") == 1
        assert process.lines_with(secret) == 0
