"""The synchronous client in whole programs: how they wait, are interrupted, and end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.processes import Processes, Serving

FORKED = "ignore:This process:DeprecationWarning"  # newer Pythons say so of every fork
WAITS = """
from safelight import Client
client = Client()
batch = client.order("mira", user="ann")
print(batch.id, flush=True)
"""


@pytest.fixture
def serving(processes: Processes) -> Serving:
    """A server without a backend: what is ordered waits."""
    return processes.serve(["http://127.0.0.1:9"])


def program(serving: Serving, text: str) -> subprocess.Popen[str]:
    """A program that is running; warnings would be seen."""
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-W", FORKED, "-c", text],
        env={**os.environ, "SAFELIGHT_URL": serving.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "client.close(); client.close()",
        "del client, batch",
        "for event in batch.watch(0):\n    break",
        "import sys; events = batch.watch(0); next(events); sys.exit(0)",
        "import threading; threading.Thread(target=batch.wait, daemon=True).start()",
        "client.batch(batch.id); import gc; client.me = client; del client, batch; gc.collect()",
    ],
)
def test_a_program_ends_when_it_is_done(serving: Serving, rest: str) -> None:
    """Whether it closes the client or not, and without a word."""
    running = program(serving, WAITS + rest)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (0, "")
    assert len(out.split()) == 1


def test_ctrl_c_ends_a_wait_at_once_and_the_client_is_still_good(serving: Serving) -> None:
    """The order stays; the program takes it back with the same client."""
    text = """
import os, signal, threading
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    batch.wait()
except KeyboardInterrupt:
    print(batch.cancel().status, flush=True)
"""
    out, err = program(serving, WAITS + text).communicate(timeout=60)
    id, status = out.split()
    assert (status, err) == ("canceled", "")
    assert serving.get(f"/v1/batches/{id}")["status"] == "canceled"


def test_it_works_where_an_event_loop_runs_already(serving: Serving) -> None:
    """As in a notebook, whose cells are run by one."""
    text = """
import asyncio
from safelight import Client, NotEnded

async def cell():
    client = Client()
    try:
        client.generate("mira", user="ann", timeout=0.2)
    except NotEnded as error:
        print(error.batch.cancel().status)

asyncio.run(cell())
"""
    out, err = program(serving, text).communicate(timeout=60)
    assert (out, err) == ("canceled\n", "")


def test_whoever_waits_while_the_client_is_closed_is_told(serving: Serving) -> None:
    text = """
import threading

def close(event):
    threading.Timer(0.2, client.close).start()

try:
    for event in batch.watch(0):
        close(event)
except RuntimeError as error:
    print(error)
"""
    out, err = program(serving, WAITS + text).communicate(timeout=60)
    assert (out.splitlines()[1:], err) == (["this client was closed meanwhile"], "")


def test_a_client_is_not_shared_with_a_forked_process(serving: Serving) -> None:
    """It would wait for a thread that is not there; one that was not used yet is fine."""
    text = """
import os
fresh = Client()
if os.fork() == 0:
    try:
        client.batch(batch.id)
    except RuntimeError as error:
        print(error, flush=True)
    print(fresh.batch(batch.id).status, flush=True)
    os._exit(0)
os.wait()
"""
    out, err = program(serving, WAITS + text).communicate(timeout=60)
    told = "this client was used before a fork; make one in each process"
    assert (out.splitlines()[1:], err) == ([told, "queued"], "")


def test_the_package_alone_is_light() -> None:
    """`import safelight` loads nothing of the client."""
    text = (
        "import sys, safelight; print({'aiohttp', 'asyncio', 'safelight.client'} & {*sys.modules})"
    )
    said = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"
