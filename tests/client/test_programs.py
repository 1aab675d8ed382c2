"""The synchronous client in whole programs: how they wait, are interrupted, and end."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.processes import Processes

FORKED = "ignore:This process:DeprecationWarning"  # newer Pythons say so of every fork
WAITS = """
from safelight import Client, NotEnded
client = Client()
batch = client.order("mira", user="ann")
"""
ENDS = {
    "it just ends": "",
    "it closes the client, twice": "client.close(); client.close()",
    "it drops the client": "del client, batch",
    "it stops listening": "for event in batch.watch(0):\n    break",
    "it exits while it listens": "events = batch.watch(0); next(events); raise SystemExit",
    "the collector finds the client": """
import gc
client.itself = client
del client, batch
gc.collect()
""",
    "another thread waits": """
import threading, time
threading.Thread(target=batch.wait, daemon=True).start()
time.sleep(0.3)
""",
}
SAYS = {
    "Ctrl-C ends a wait, and the client is still good": (
        """
import os, signal, threading
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    batch.wait()
except KeyboardInterrupt:
    print(batch.cancel().status)
""",
        ["canceled"],
    ),
    "an event loop runs already, as in a notebook": (
        """
import asyncio
async def cell():
    try:
        client.generate("mira", user="ann", timeout=0.2)
    except NotEnded as error:
        print(error.batch.cancel().status)
asyncio.run(cell())
""",
        ["canceled"],
    ),
    "the client is closed while one waits": (
        """
import threading
try:
    for event in batch.watch(0):
        threading.Timer(0.2, client.close).start()
except RuntimeError as error:
    print(error)
""",
        ["this client was closed meanwhile"],
    ),
    "a forked process cannot wait for a thread that stayed behind": (
        """
import os
fresh = Client()
if os.fork() == 0:
    try:
        client.batch(batch.id)
    except RuntimeError as error:
        print(error)
    print(fresh.batch(batch.id).status, flush=True)
    os._exit(0)
os.wait()
""",
        ["this client was used before a fork; make one in each process", "queued"],
    ),
}


def program(url: str, text: str) -> subprocess.Popen[str]:
    """A program that is running; every warning is an error."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-W", FORKED, "-c", WAITS + text],
        env={**os.environ, "SAFELIGHT_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_programs_wait_are_interrupted_and_end_as_one_expects(processes: Processes) -> None:
    """What they have ordered waits for ever: there is no backend. Whether they close the client or
    not, they end when they are done, and without a word that is not theirs."""
    url = processes.serve(["http://127.0.0.1:9"]).url
    silent: list[str] = []
    expected = {name: (text, silent) for name, text in ENDS.items()} | SAYS
    running = {name: program(url, text) for name, (text, _) in expected.items()}
    ended = {name: (one.communicate(timeout=120), one.returncode) for name, one in running.items()}
    for name, ((out, err), code) in ended.items():
        assert (out.splitlines(), err, code) == (expected[name][1], "", 0), name


def test_the_package_alone_is_light() -> None:
    """`import safelight` loads nothing of the client."""
    heavy = {"aiohttp", "asyncio", "safelight.client"}
    text = f"import sys, safelight; print({heavy} & {{*sys.modules}})"
    said = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"
