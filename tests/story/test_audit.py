"""The audit: what is broken is found and put right; what is in flight is never taken for broken."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.processes import Process, Processes, Serving
from tests.standins import Cloudinary
from tests.story.pictures import assert_exactly
from tests.story.test_restore import files, query
from tests.waiting import until


def audit(processes: Processes, *flags: str, code: int = 0) -> Any:
    """An audit to its end; its JSON."""
    process = processes.start("audit", "--json", *flags)
    assert process.popen.wait(120) == code, process.lines
    process.end_of_lines()
    text = "\n".join(process.lines)
    return json.loads(text[text.index("{") :])


def kinds(told: Any) -> list[str]:
    return sorted(one["kind"] for one in told["findings"])


def aged(path: Path, seconds: float = 7200) -> None:
    """As if it had been written so long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))


class Scene:
    """A system with sixteen stored images, and its store as a folder."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self.simulating = processes.simulate(seconds=0)
        self.serving = processes.serve([self.simulating.url])
        self.batch = self.serving.order(12)
        assert_exactly(self.batch, 12)
        self.other = self.serving.order(4, user="ben", character="opal-fever")
        self.store = processes.home / "state" / "store"
        self.before = files(processes)
        keys = sorted(key for key in self.before if key.startswith("ann/"))
        self.paths = [self.store / key for key in keys]

    def orphan(self, key: str, age: float = 7200) -> Path:
        path = self.store / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left over")
        aged(path, age)
        return path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_twelve_faults_are_found_and_put_right(processes: Processes) -> None:
    """On a clean system the audit finds nothing. Then pictures are lost, cut, grown and changed,
    leftovers appear, and one deleted picture is back. Each is found; the repair brings every
    picture back from the render server, to the byte, and removes the leftovers; afterwards nothing
    is found. What is young, or another database's, is not touched."""
    scene = Scene(processes)
    told = audit(processes, "--deep")
    assert (told["findings"], told["images"], told["objects"]) == ([], 16, 16)

    deleted = scene.paths[0]
    request = scene.batch["images"][-1]["id"]
    _delete(scene.serving, request)
    until(lambda: not deleted.exists())
    until(lambda: query(processes.database_url, _LEAVING) == [(0,)])
    deleted.write_bytes(b"back")
    aged(deleted)
    for path in scene.paths[1:4]:
        path.unlink()
    cut(scene.paths[4])
    cut(scene.paths[5])
    scene.paths[6].write_bytes(scene.paths[6].read_bytes() + b"more")
    flip(scene.paths[7])
    flip(scene.paths[8])
    leftovers = [scene.orphan(f"ann/mira/{n:05}-{uuid4()}.png") for n in (2, 2, 9)]
    beside = scene.store / "ann" / "mira" / "index.txt"
    beside.write_text("12\n")
    aged(beside)
    young = scene.orphan(f"ann/mira/00003-{uuid4()}.png", 60)

    wrong = [*["missing"] * 3, *["orphan"] * 4, *["wrong-bytes"] * 2, *["wrong-size"] * 3]
    assert kinds(audit(processes, code=1)) == [kind for kind in wrong if kind != "wrong-bytes"]
    told = audit(processes, "--deep", code=1)
    assert kinds(told) == wrong
    assert not any(one["repaired"] for one in told["findings"])

    told = audit(processes, "--deep", "--repair")
    assert (kinds(told), told["left"], told["repaired"]) == (wrong, 0, 12)
    done = {one["repair"] for one in told["findings"]}
    assert done == {"restored from backend b1", "deleted"}
    assert audit(processes, "--deep")["findings"] == []
    now = files(processes)
    gone = deleted.relative_to(scene.store).as_posix()
    new = young.relative_to(scene.store).as_posix()
    assert now == {key: data for key, data in scene.before.items() if key != gone} | {
        new: b"left over"
    }
    assert not any(path.exists() for path in leftovers)
    assert beside.exists()


def test_twelve_faults_of_seven_kinds_with_two_publishers(processes: Processes) -> None:
    """Twelve pictures with a copy of each in Cloudinary and in a folder. Originals are lost, cut
    and changed, a leftover appears; copies are lost at both publishers, the row of one is gone, and
    another picture lies in the place of one. All but that last one is put right, the copies by the
    worker that runs beside; that one is told and left alone."""
    published = processes.home / "cdn"
    published.mkdir()
    with Cloudinary() as cdn:
        simulating = processes.simulate(seconds=0)
        folder = f'[publishers.folder]\nkind = "bucket"\nurl = "file://{published}"\n'
        folder += 'public_url = "https://pictures.example.com"\n'
        serving = processes.serve([simulating.url], config=cdn.toml() + folder)
        batch = serving.order(12)
        until(lambda: _copies(serving, batch) == [("uploaded", 24)], 60)
        assert audit(processes, "--deep")["findings"] == []
        before = files(processes)
        store = processes.home / "state" / "store"
        paths = sorted(path for path in store.rglob("*.png") if "#" not in str(path))
        for path in paths[:2]:
            path.unlink()
        cut(paths[2])
        cut(paths[3])
        flip(paths[4])
        flip(paths[5])
        leftover = store / "ann" / "mira" / f"00001-{uuid4()}.png"
        leftover.write_bytes(b"left over")
        aged(leftover)
        copies = sorted(published.rglob("*.png"))
        copies[0].unlink()
        copies[1].unlink()
        for asset in sorted(cdn.kept)[:1]:
            del cdn.kept[asset]
        query(processes.database_url, _FORGET_ONE)
        stranger = b"\x89PNG another picture"
        copies[9].write_bytes(stranger)

        wrong = [*["copy-different"], *["copy-missing"] * 3, "copy-unlisted", *["missing"] * 2]
        wrong += ["orphan", *["wrong-bytes"] * 2, *["wrong-size"] * 2]
        assert len(wrong) == 12
        assert kinds(audit(processes, "--deep", code=1)) == wrong
        told = audit(processes, "--deep", "--repair", code=1)
        assert (kinds(told), told["left"], told["repaired"]) == (wrong, 1, 11)
        until(lambda: _copies(serving, batch) == [("failed", 1), ("uploaded", 23)], 60)
        assert copies[9].read_bytes() == stranger
        copies[9].unlink()
        serving.post("/v1/publishers/folder/retry", {})
        until(lambda: _copies(serving, batch) == [("uploaded", 24)], 60)
        assert audit(processes, "--deep")["findings"] == []
        assert files(processes) == before
        assert {asset["overwritten"] for asset in cdn.assets()} == {0}


def _copies(serving: Serving, batch: Any) -> list[tuple[str, int]]:
    """How many copies of a batch are how."""
    told = serving.get(f"/v1/batches/{batch['id']}")
    found = Counter(one["status"] for image in told["images"] for one in image["publications"])
    return sorted(found.items())


_FORGET_ONE = (
    "delete from publications where publisher = 'cloudinary' and image_id ="
    " (select id from images order by index desc limit 1)"
)
_LEAVING = "select count(*) from images where deleted_at is not null and file_removed_at is null"


def _delete(serving: Serving, id: str) -> None:
    request = urllib.request.Request(f"{serving.url}/v1/images/{id}", method="DELETE")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def test_what_cannot_be_proven_is_told_and_left_alone(processes: Processes) -> None:
    """The render server's file is gone, or another picture by now: nothing is written. An orphan
    of a series that was never ours stays, and images with the same bytes are only told."""
    scene = Scene(processes)
    output = processes.home / "simulator" / scene.simulating.url.rpartition(":")[2] / "output"
    sources = {path.parent.name: path for path in output.rglob("image_00001_.png")}
    lost, cut_one, changed = scene.paths[:3]
    lost.unlink()
    sources[lost.stem[6:]].unlink()
    cut(cut_one)
    sources[cut_one.stem[6:]].write_bytes(b"another picture")
    flip(changed)
    sources[changed.stem[6:]].write_bytes(scene.paths[3].read_bytes())
    damaged = [cut_one.read_bytes(), changed.read_bytes()]
    foreign = scene.orphan(f"eve/mira/00001-{uuid4()}.png")
    above = scene.orphan(f"ann/mira/00099-{uuid4()}.png")
    query(
        processes.database_url,
        "update images set sha256 = (select sha256 from images where index = 4 and user_id = 'ben')"
        " where index = 3 and user_id = 'ben'",
    )
    told = audit(processes, "--deep", "--repair", code=1)
    wrong = ["duplicate", "missing", "orphan", "orphan", "wrong-bytes", "wrong-bytes", "wrong-size"]
    assert kinds(told) == wrong
    assert (told["left"], told["repaired"]) == (7, 0)
    said = {one["about"]: one["repair"] for one in told["findings"]}
    key = lost.relative_to(scene.store).as_posix()
    assert said[key] == "backend b1: HTTP 404"
    assert not lost.exists()
    assert [cut_one.read_bytes(), changed.read_bytes()] == damaged
    assert foreign.exists()
    assert above.exists()
    assert kinds(audit(processes, "--user", "ben", "--deep", code=1)) == [
        "duplicate",
        "wrong-bytes",
    ]


@pytest.mark.parametrize("old", [False, True], ids=["young", "old"])
def test_nothing_in_flight_is_a_finding(processes: Processes, old: bool) -> None:
    """Audit after audit while batches are drawn and deleted by four users at once, with servers
    that lose and cut pictures: no audit finds anything. Where every file looks hours old, so that
    its age protects none, leftovers may be found that their workers are about to remove; but no
    audit takes away what somebody still needs."""
    faults = ["--fault", "truncate:0.1", "--fault", "lose-history:0.1", "--fault", "restart:0.02"]
    servers = [processes.simulate(*faults, seconds=0.02).url for _ in range(2)]
    serving = processes.serve(servers)
    over = threading.Event()
    with ThreadPoolExecutor(5) as pool:
        working = [pool.submit(_busy, serving, f"user{n}", over) for n in range(4)]
        ageing = pool.submit(_age_all, processes.home / "state" / "store", over) if old else None
        try:
            for _ in range(3):
                assert set(kinds(_audited(processes))) <= ({"orphan"} if old else set())
        finally:
            over.set()
        ordered = sum(one.result(120) for one in working)
    assert ageing is None or ageing.result(30) > 0
    told = audit(processes, "--deep")
    assert told["findings"] == []
    assert ordered > told["images"] > 0


def _busy(serving: Serving, user: str, over: threading.Event) -> int:
    """Order batches and delete some of each; how many images were ordered."""
    count = 0
    while not over.is_set():
        batch = serving.order(6, user=user, wait=60)
        count += 6
        for image in batch["images"][:2]:
            if image["status"] == "stored":
                _delete(serving, image["id"])
    return count


def _age_all(store: Path, over: threading.Event) -> int:
    """Make every file look hours old, again and again; how often one was."""
    count = 0
    while not over.wait(0.005):
        for path in store.rglob("*.png"):
            with suppress(FileNotFoundError):
                aged(path)
                count += 1
    return count


def _audited(processes: Processes) -> Any:
    """All that is found is put right."""
    return audit(processes, "--deep", "--repair")


def redirected(processes: Processes) -> str:
    """What `audit > FILE` writes while its progress is shown on a terminal."""
    parent, child = pty.openpty()
    report = processes.home / "report.txt"
    with report.open("wb") as file:
        running = subprocess.Popen(
            [sys.executable, "-m", "safelight", "audit"],
            stdin=child,
            stdout=file,
            stderr=child,
            cwd=processes.home,
            env={**os.environ, **processes.environ(), "TERM": "xterm-256color"},
        )
        os.close(child)
        assert running.wait(90) == 1
    seen = os.read(parent, 65_536)
    os.close(parent)
    assert b"1 not put right" in seen
    return report.read_text("utf-8")


def test_the_ways_of_ending(processes: Processes) -> None:
    """Text for people, one line each; bad usage, no database, Ctrl-C."""
    scene = Scene(processes)
    process = processes.start("audit")
    assert process.popen.wait(60) == 0
    process.end_of_lines()
    assert process.lines[-2:] == ["16 images, 16 pictures in the store, 0 copies.", "All agree."]
    scene.paths[0].unlink()
    process = processes.start("audit", "--user", "ann")
    assert process.popen.wait(60) == 1
    process.end_of_lines()
    key = scene.paths[0].relative_to(scene.store).as_posix()
    assert process.lines[0] == f"missing         {key}: not in the store"
    assert redirected(processes).splitlines() == [f"missing         {key}: not in the store"]
    away = {"SAFELIGHT_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    refused = [
        (processes.start("audit", "--publisher", "nobody"), 2),
        (processes.start("audit", "--publisher", "a", "--no-publishers"), 2),
        (processes.start("audit", "--user", "../ann"), 2),
        (processes.start("audit", environ=away), 3),
    ]
    assert [each.popen.wait(90) for each, _ in refused] == [code for _, code in refused]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_an_audit_leaves_everything_as_it_is(
    processes: Processes, number: signal.Signals
) -> None:
    """It waits for a render server that never answers; Ctrl-C ends it with 130."""
    scene = Scene(processes)
    scene.paths[0].unlink()
    listening = _deaf()
    processes.configure([f"http://127.0.0.1:{listening.getsockname()[1]}"])
    process = processes.start("audit", "--repair")
    connection, _ = listening.accept()
    assert _stopped(process, number) == (130 if number == signal.SIGINT else 143)
    assert "Not everything was looked at." in "\n".join(process.lines)
    connection.close()
    listening.close()
    assert not scene.paths[0].exists()


def _stopped(process: Process, number: int) -> int:
    code = process.stop(number)
    process.end_of_lines()
    return code


def _deaf() -> socket.socket:
    """Accepts connections and says nothing."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    listening.settimeout(60)
    return listening
