"""What only the local folder can be asked: syncs, leftovers, kills, a full disk; and addresses."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from safelight.store import KeyTaken, StoreAway, open_store
from safelight.store import folder as module

KEY = "mira/opal-fever/00001-0b5e.png"


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "bucket", "s3://", "s3:///x", "file://host/x", "https://u:pw@host/x"]
)
def test_an_unknown_address_is_refused_with_the_known_ones(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket/prefix") as refused:
        open_store(url, tmp_path)
    assert "pw" not in str(refused.value)


async def test_a_file_address_is_a_folder(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/with%20space", tmp_path / "unused")
    await store.put(KEY, b"x")
    assert (tmp_path / "with space" / KEY).read_bytes() == b"x"
    assert store.name == str(tmp_path / "with space")
    assert not (tmp_path / "unused").exists()


def test_google_and_azure_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_store("gs://bucket/prefix", tmp_path).name == "gs://bucket/prefix"
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(StoreAway, match="Account must be specified"):
        open_store("az://container/prefix", tmp_path)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    assert open_store("az://container/prefix", tmp_path).name == "az://container/prefix"


# The local folder


async def test_a_folder_that_vanished_is_away_and_not_made_anew(tmp_path: Path) -> None:
    store = open_store(None, tmp_path / "originals")
    (tmp_path / "originals").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreAway):
        await store.put(KEY, b"x")
    assert not (tmp_path / "originals").exists()


async def test_a_disk_that_is_not_mounted_is_away_and_its_objects_not_missing(
    tmp_path: Path,
) -> None:
    store = open_store(None, tmp_path / "originals")
    await store.put(KEY, b"x")
    (tmp_path / "originals").rename(tmp_path / "unmounted")
    (tmp_path / "originals").mkdir()
    for operation in (store.get(KEY), store.size(KEY), store.delete(KEY)):
        with pytest.raises(StoreAway):
            await operation
    with pytest.raises(StoreAway):
        await anext(store.list())
    with pytest.raises(StoreAway):
        await anext(store.stream(KEY))


async def test_folders_that_were_removed_meanwhile_are_made_again(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    await store.put("a/b/1", b"x")
    await store.delete("a/b/1")
    (tmp_path / "a/b").rmdir()
    (tmp_path / "a").rmdir()
    await store.put("a/b/1", b"x")


async def test_what_a_killed_writer_left_is_not_seen_and_swept_later(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    for name in ("draft#1", "draft#2"):
        (tmp_path / "#drafts" / name).write_bytes(b"half")
    os.utime(tmp_path / "#drafts/draft#1", (time.time() - 7200,) * 2)
    assert [found async for found in store.list()] == []
    await store.put(KEY, b"whole")
    assert [found async for found in open_store(None, tmp_path).list()] == [(KEY, 5)]
    assert [path.name for path in (tmp_path / "#drafts").iterdir()] == ["draft#2"]


async def test_nothing_but_the_object_stays(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    await store.put(KEY, b"x")
    with pytest.raises(KeyTaken):
        await store.put(KEY, b"y")
    assert _files(tmp_path) == ["00001-0b5e.png"]


def _files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def test_the_file_and_every_folder_above_it_are_synced_before_the_answer(
    tmp_path: Path,
) -> None:
    store = open_store(None, tmp_path / "originals")
    with _synced_paths() as synced:
        await store.put("mira/opal/1", b"x")
    root = tmp_path / "originals"
    assert synced[:2] == [root, root / "mira"]
    assert synced[2].parent == root / "#drafts"
    assert synced[3:] == [root / "mira/opal"]
    with _synced_paths() as synced:
        await store.put("mira/opal/2", b"x")
    assert len(synced) == 2
    with _synced_paths() as synced:
        await store.put("mira/opal/2", b"x", same_ok=True)
    assert synced[-1] == root / "mira/opal"


@contextmanager
def _synced_paths() -> Iterator[list[Path]]:
    """What fsync is called for, in order."""
    synced: list[Path] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield synced


async def test_folders_known_to_last_are_forgotten_before_they_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FOLDERS_KNOWN", 3)
    store = open_store(None, tmp_path)
    for number in range(10):
        await store.put(f"{number}/x", b"x")
    assert len([key async for key, _ in store.list()]) == 10


LIMITED = """
import asyncio, resource, signal, sys
from pathlib import Path
from safelight.store import StoreFull, open_store

store = open_store(None, Path(sys.argv[1]))
asyncio.run(store.put("a/small", b"x" * 1000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
try:
    asyncio.run(store.put("a/large", b"x" * 1_000_000))
except StoreFull as error:
    print(error)
"""


async def test_a_disk_that_takes_no_more_leaves_no_half_an_object(tmp_path: Path) -> None:
    """The limit on a file's size stands in for a full disk: the write ends in the middle."""
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=True
    )
    assert "is full" in done.stdout
    store = open_store(None, tmp_path)
    assert [found async for found in store.list()] == [("a/small", 1000)]
    assert list((tmp_path / "#drafts").iterdir()) == []


KILLED = """
import asyncio, sys
from pathlib import Path
from safelight.store import open_store

store = open_store(None, Path(sys.argv[1]))

async def write():
    for number in range(1_000_000):
        await store.put(f"series/{number}", b"x" * 300_000)
        print(number, flush=True)

asyncio.run(write())
"""


async def test_after_a_kill_every_object_is_whole_and_every_answered_one_there(
    tmp_path: Path,
) -> None:
    last = await asyncio.to_thread(_write_and_kill, tmp_path)
    store = open_store(None, tmp_path)
    found = {key: size async for key, size in store.list()}
    assert set(found.values()) == {300_000}
    assert {f"series/{number}" for number in range(last + 1)} <= set(found)


def _write_and_kill(folder: Path) -> int:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(50):
            writer.stdout.readline()
        writer.kill()
        return 49 + len(writer.stdout.readlines())


def test_a_folder_that_cannot_be_made_is_away(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreAway, match="Check that it is there"):
        open_store(None, tmp_path / "file" / "originals")
