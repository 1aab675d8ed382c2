"""The embedded server after kill -9, full disks and other people's leftovers."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from safelight.database import cluster, embedded
from safelight.database.cluster import Cluster, State
from safelight.database.embedded import EmbeddedError, Server, attach, release
from tests.database.embedded_processes import (
    another_user,
    end_servers,
    execute,
    postmaster,
    servers,
    value,
)


@pytest.fixture(autouse=True)
def _nothing_stays(tmp_path: Path) -> Iterator[None]:
    yield
    end_servers(tmp_path)


async def test_the_next_one_takes_over_the_server_of_a_killed_starter(tmp_path: Path) -> None:
    with another_user(tmp_path) as starter:
        before = postmaster(tmp_path).pid
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    server = await attach(tmp_path)
    assert postmaster(tmp_path).pid == before
    await release(server)
    assert servers(tmp_path) == []


@pytest.mark.parametrize("whom", ["postmaster", "everything"])
async def test_what_was_answered_is_there_after_the_server_was_killed(
    tmp_path: Path, whom: str
) -> None:
    first = await attach(tmp_path)
    await execute(first, "create table picture (name int)")
    answered = await _write_until_killed(first, everything=whom == "everything")
    assert answered

    second = await attach(tmp_path)
    kept = await value(second, "select count(*) from picture")
    assert isinstance(kept, int)
    assert answered <= kept <= answered + 1
    await release(second)
    await release(first)
    assert servers(tmp_path) == []


async def _write_until_killed(server: Server, *, everything: bool) -> int:
    """Insert until the server is killed underneath; how many inserts it had answered."""
    connection = await asyncpg.connect(**server.connect_arguments())
    answered = 0
    with suppress(asyncpg.PostgresError, asyncpg.InternalClientError, OSError):
        while True:
            await connection.execute("insert into picture values (1)")
            answered += 1
            if answered == 100:
                main = postmaster(server.data)
                for process in servers(server.data) if everything else [main]:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
    connection.terminate()
    return answered


async def test_a_statement_that_outlives_its_server_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "ORPHANS_HAVE", 0.2)
    first = await attach(tmp_path)
    connection = await asyncpg.connect(**first.connect_arguments())
    endless = "select count(*) from generate_series(1, 100000000000)"
    running = asyncio.ensure_future(connection.execute(endless))
    await asyncio.sleep(0.2)
    postmaster(tmp_path).kill()
    second = await attach(tmp_path)
    assert await value(second, "select 1") == 1
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await running
    await release(second)
    await release(first)
    assert servers(tmp_path) == []


async def test_leftovers_that_name_a_living_stranger_do_not_count(tmp_path: Path) -> None:
    await release(await attach(tmp_path))
    with _stranger() as stranger:
        _write_leftovers(tmp_path, stranger.pid)
        await release(await attach(tmp_path))
        assert stranger.poll() is None
    assert servers(tmp_path) == []


async def test_leftovers_that_name_another_folders_server_do_not_harm_it(tmp_path: Path) -> None:
    other = await attach(tmp_path / "other")
    await release(await attach(tmp_path / "data"))
    _write_leftovers(tmp_path / "data", postmaster(other.data).pid)
    await release(await attach(tmp_path / "data"))
    assert await value(other, "select 1") == 1
    await release(other)
    assert servers(tmp_path) == []


async def test_leftovers_of_a_process_that_is_gone_do_not_count(tmp_path: Path) -> None:
    await release(await attach(tmp_path))
    with _stranger() as ended:
        pass
    _write_leftovers(tmp_path, ended.pid)
    (tmp_path / "cluster/.s.PGSQL.5432").write_text("not a socket")
    await release(await attach(tmp_path))


@contextmanager
def _stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def _write_leftovers(data: Path, pid: int) -> None:
    text = f"{pid}\n{data}/cluster\n1\n5432\n.\n\n 1 1\nready   \n"
    (data / "cluster/postmaster.pid").write_text(text)
    (data / "cluster/.s.PGSQL.5432.lock").write_text(text)


async def test_a_release_after_the_server_was_killed_is_quiet(tmp_path: Path) -> None:
    server = await attach(tmp_path)
    postmaster(tmp_path).kill()
    await release(server)


async def test_a_first_start_that_was_killed_is_done_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with another_user(data, wait=False) as starter:
        await asyncio.to_thread(_wait_for_files, data)
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    assert not (data / "cluster").exists()
    server = await attach(data)
    assert await value(server, "select 1") == 1
    await release(server)
    await release(await attach(data))
    assert servers(tmp_path) == []


def _wait_for_files(data: Path) -> None:
    """Until initdb has written something."""
    until = time.monotonic() + 60
    while not list(data.glob("cluster.new-*/*")):
        assert time.monotonic() < until, list(data.glob("*"))
        time.sleep(0.001)


async def test_another_major_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    await release(await attach(tmp_path))
    (tmp_path / "cluster/PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 17.*dump.*pg_dump"):
        await attach(tmp_path)
    (tmp_path / "cluster/PG_VERSION").write_text("")
    with pytest.raises(EmbeddedError, match="PG_VERSION"):
        await attach(tmp_path)
    assert servers(tmp_path) == []


async def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="shared_bufers"):
        await attach(tmp_path, settings={"shared_bufers": "1MB"})
    assert servers(tmp_path) == []
    await release(await attach(tmp_path))


async def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedError, match="SAFELIGHT_HOME"):
        await attach(tmp_path / "file" / "data")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EACCES, "as the folder's owner"),
        (errno.EIO, "SAFELIGHT_DATABASE_URL"),
    ],
)
def test_what_the_system_refuses_becomes_advice(tmp_path: Path, number: int, advice: str) -> None:
    with pytest.raises(EmbeddedError, match=advice), embedded._explained(tmp_path):
        raise OSError(number, os.strerror(number), "a file")


FULL = """
import asyncio, resource, sys
from pathlib import Path
from safelight.database.embedded import EmbeddedError, attach

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    asyncio.run(attach(Path(sys.argv[1])))
except EmbeddedError as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_leaves_no_half_made_database(tmp_path: Path) -> None:
    """The limit on a file's size stands in for a full disk: initdb fails in the middle."""
    limit = str(1024 * 1024)
    command = [sys.executable, "-c", FULL, str(tmp_path / "data"), limit]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "could not make its folder" in done.stdout
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["lock", "users"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_server_that_hangs_is_stopped_by_force(tmp_path: Path) -> None:
    server = asyncio.run(attach(tmp_path))
    hanging = postmaster(tmp_path)
    hanging.suspend()
    steps = [(signal.SIGINT, 0.05), (signal.SIGQUIT, 0.05), (signal.SIGKILL, 10.0)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "STOPPING", steps)
        asyncio.run(release(server))
    assert not cluster.alive(hanging.pid)


def test_a_socket_without_a_listener_is_a_stopped_server(tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    folder.mkdir()
    listener = socket.socket(socket.AF_UNIX)
    with listener, _in(folder):
        listener.bind(cluster.SOCKET)
    assert Cluster(folder, tmp_path / "log", None).state() is State.STOPPED
    shutil.rmtree(folder)
    assert Cluster(folder, tmp_path / "log", None).state() is State.STOPPED


@contextmanager
def _in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    yield
    os.chdir(before)
