"""The embedded server's ordinary life: first start, sharing, stopping."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from safelight.database import cluster, embedded
from safelight.database.embedded import EmbeddedError, attach, release
from tests.database.embedded_processes import (
    another_user,
    end_servers,
    execute,
    leave,
    postmaster,
    servers,
    value,
    wait_for_word,
)


@pytest.fixture(autouse=True)
def _nothing_stays(tmp_path: Path) -> Iterator[None]:
    yield
    end_servers(tmp_path)


async def test_a_first_start_makes_a_database_that_a_second_one_finds_again(tmp_path: Path) -> None:
    server = await attach(tmp_path / "data")
    await execute(server, "create table picture (name text)", "insert into picture values ('a')")
    await release(server)
    assert servers(tmp_path) == []

    server = await attach(tmp_path / "data")
    assert await value(server, "select name from picture") == "a"
    await release(server)
    assert servers(tmp_path) == []


async def test_what_is_committed_is_on_disk_and_nobody_else_can_reach_it(tmp_path: Path) -> None:
    server = await attach(tmp_path / "data")
    expected = {"fsync": "on", "synchronous_commit": "on", "listen_addresses": "", "jit": "off"}
    for name, setting in expected.items():
        assert await value(server, f"show {name}") == setting
    for folder in (server.data, server.data / "cluster"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert await value(server, "select datlocprovider::text from pg_database limit 1") == "b"
    await release(server)


async def test_a_pool_takes_the_connect_arguments(tmp_path: Path) -> None:
    server = await attach(tmp_path)
    async with asyncpg.create_pool(**server.connect_arguments(), min_size=3) as pool:
        assert await asyncio.gather(*(pool.fetchval("select 1") for _ in range(9))) == [1] * 9
    await release(server)


async def test_the_last_release_stops_the_server_and_a_second_one_does_nothing(
    tmp_path: Path,
) -> None:
    first, second = await attach(tmp_path), await attach(tmp_path)
    await release(first)
    await release(first)
    assert await value(second, "select 1") == 1
    await release(second)
    assert servers(tmp_path) == []
    await release(second)


async def test_users_who_leave_together_leave_nothing_behind(tmp_path: Path) -> None:
    users = [await attach(tmp_path) for _ in range(5)]
    await asyncio.gather(*map(release, users))
    assert servers(tmp_path) == []


async def test_processes_share_a_server_whoever_started_it(tmp_path: Path) -> None:
    with another_user(tmp_path) as starter:
        server = await attach(tmp_path)
        with another_user(tmp_path) as third:
            leave(starter)
            assert await value(server, "select 1") == 1
            await release(server)
            assert servers(tmp_path)
            leave(third)
    assert servers(tmp_path) == []


async def test_four_first_starts_at_once_make_one_database(tmp_path: Path) -> None:
    with (
        another_user(tmp_path / "d", wait=False) as a,
        another_user(tmp_path / "d", wait=False) as b,
        another_user(tmp_path / "d", wait=False) as c,
    ):
        server = await attach(tmp_path / "d")
        for process in (a, b, c):
            wait_for_word(process)
        assert server.log.read_text().count("starting PostgreSQL") == 1
        assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [
            "cluster",
            "lock",
            "server.log",
            "users",
        ]
        await release(server)
        for process in (a, b, c):
            leave(process)
    assert servers(tmp_path) == []


async def test_settings_reach_the_server_that_this_call_starts(tmp_path: Path) -> None:
    server = await attach(tmp_path, settings={"log_statement": "all", "work_mem": "5MB"})
    assert await value(server, "show work_mem") == "5MB"
    assert "show work_mem" in server.log.read_text()
    await release(server)


async def test_a_path_may_be_longer_than_a_socket_allows(tmp_path: Path) -> None:
    data = tmp_path.joinpath(*["a folder with a rather long name"] * 6)
    assert len(os.fsencode(data)) > 107
    server = await attach(data)
    assert await value(server, "select 1") == 1
    await release(server)


async def test_the_folders_above_may_be_closed_to_the_servers_account(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = await attach(closed / "data")
    runs_as = postmaster(server.data).uids().real
    assert (runs_as == 0) is False
    assert (runs_as == os.geteuid()) is (os.geteuid() != 0)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert closed.stat().st_uid == os.geteuid()
    await release(server)


async def test_a_relative_folder_stays_the_same_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server = await attach(Path("data"))
    monkeypatch.chdir("/")
    assert await value(server, "select 1") == 1
    await release(server)
    assert servers(tmp_path) == []


async def test_ctrl_c_in_the_starters_terminal_does_not_reach_the_server(tmp_path: Path) -> None:
    with another_user(tmp_path) as starter:
        os.killpg(starter.pid, signal.SIGINT)
        starter.communicate(timeout=30)
    server = await attach(tmp_path)
    assert server.log.read_text().count("starting PostgreSQL") == 1
    await release(server)
    assert servers(tmp_path) == []


async def test_a_start_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    await release(await attach(tmp_path))
    for seconds in (0, 0.01, 0.03):
        starting = asyncio.ensure_future(attach(tmp_path))
        await asyncio.sleep(seconds)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert servers(tmp_path) == []


async def test_a_large_log_is_set_aside_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await release(await attach(tmp_path))
    monkeypatch.setattr(cluster, "LOG_LIMIT", 100)
    server = await attach(tmp_path)
    assert server.log.read_text().count("starting PostgreSQL") == 1
    assert (tmp_path / "server.log.1").read_text().count("starting PostgreSQL") == 1
    await release(server)


async def test_whoever_cannot_wait_longer_leaves_the_server_to_who_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "RELEASE_PATIENCE", 0.05)
    server, other = await attach(tmp_path), await attach(tmp_path)
    with embedded._alone(tmp_path, embedded._Patience(1)):
        await release(server)
    assert await value(other, "select 1") == 1
    await release(other)
    assert servers(tmp_path) == []


async def test_another_system_is_told_to_bring_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(EmbeddedError, match="SAFELIGHT_DATABASE_URL"):
        await attach(tmp_path)
