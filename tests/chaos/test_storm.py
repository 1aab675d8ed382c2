"""The chaos storm in its short form; `make chaos` is the long one."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.chaos.storm.__main__ import CACHE
from tests.chaos.storm.plan import KILLS, make_plan
from tests.chaos.storm.run import run

SECONDS, IMAGES, STRIKE_EVERY, SETTLE = 48.0, 60, 1.8, 90.0


def test_a_storm_loses_confuses_and_doubles_nothing(tmp_path: Path) -> None:
    """Fifty seconds in which API, workers, render servers and PostgreSQL are killed, frozen and
    cut off, with faulty render servers: every image that was accepted is stored, or failed for
    proven misfortunes within the documented limits; each is that of its own prompt, numbers have
    no gaps, events come once and in order, and nothing that could be had was painted again."""
    seed = random.randrange(10**6)
    again = f"--seed {seed} --seconds {SECONDS:g} --images {IMAGES} --strike-every {STRIKE_EVERY}"
    print(f"python -m tests.chaos.storm {again}")
    plan = make_plan(seed, SECONDS, IMAGES, STRIKE_EVERY)
    report = asyncio.run(asyncio.wait_for(run(plan, tmp_path / "storm", SETTLE), 240))
    print(report.text())
    assert report.violations == [], again
    assert report.left_running == []
    assert report.images == IMAGES
    kills = {kind: report.strikes[kind] for kind in KILLS}
    assert all(kills.values()), kills
    assert sum(kills.values()) >= 6
    assert report.renderings >= report.stored


def test_ctrl_c_ends_a_storm_and_leaves_nothing_running() -> None:
    """Who has seen enough presses Ctrl-C: everything the storm has started is ended, whatever was
    just frozen or dead."""
    seed = 10**6 + os.getpid()
    folder = CACHE / f"run-{seed}"
    storm = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.storm", "--seed", str(seed), "--strike-every", "2"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 150
        while not list(folder.glob("b*/renderings.jsonl")):
            assert time.monotonic() < until
            assert storm.poll() is None
            time.sleep(0.1)
        assert len(_working_in(folder)) > 6
        storm.send_signal(signal.SIGINT)
        told, _ = storm.communicate(timeout=60)
    finally:
        storm.kill()
        left = _working_in(folder)
        for process in left:
            process.kill()
    assert not folder.exists()
    assert storm.returncode == 130, told
    assert told.startswith(f"seed {seed}\n")
    assert left == []


def _working_in(folder: Path) -> list[psutil.Process]:
    """The living processes with this working folder, or one below it."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            place = Path(process.cwd())
        except psutil.Error:
            continue
        if folder in (place, *place.parents) and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found
