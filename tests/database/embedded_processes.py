"""Processes that use an embedded server, and what is left of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil

from safelight.database.embedded import Server

USER = """
import asyncio, sys
from pathlib import Path
from safelight.database.embedded import attach, release

async def use():
    server = await attach(Path(sys.argv[1]))
    print("attached", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await release(server)

asyncio.run(use())
"""


@contextmanager
def another_user(data: Path, *, wait: bool = True) -> Iterator[subprocess.Popen[str]]:
    """A process that attaches and releases when it is told to; killed at the end at the latest."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            if wait:
                wait_for_word(process)
            yield process
        finally:
            process.kill()


def wait_for_word(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "attached\n"


def leave(process: subprocess.Popen[str]) -> None:
    """Let it release and end well."""
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


def servers(data: Path) -> list[psutil.Process]:
    """The living processes that work in a data folder."""
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _works_in(process, data)
    ]


def end_servers(data: Path) -> None:
    """What a failed test has left running."""
    for process in servers(data):
        process.kill()


def postmaster(data: Path) -> psutil.Process:
    return psutil.Process(int((data / "cluster/postmaster.pid").read_text().split()[0]))


async def execute(server: Server, *statements: str) -> None:
    connection = await asyncpg.connect(**server.connect_arguments())
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def value(server: Server, query: str) -> object:
    connection = await asyncpg.connect(**server.connect_arguments())
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and Path(process.cwd()).is_relative_to(data)
    except psutil.Error:
        return False
