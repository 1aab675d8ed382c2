"""Every operation of the OpenAPI document, asked with what fits it and with what does not.

Schemathesis reads the document and tries its examples, the borders of every value, requests at
random, and chains: an order's answer leads, by the document's links, to its images, their files,
their series, and to whatever can be asked of them, in any order. Each answer must be of a status, a
type and a shape that the document names, and never a fault of ours.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.docs import reference
from tests.processes import Processes
from tests.story.test_keys import made

CHECKS: Final = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance,negative_data_rejection,"
    "unsupported_method,allow_header_conformance,use_after_free"
)
EXAMPLES: Final = 30  # requests tried for each operation and phase
# Mostly of what there is: nobody guesses a character. Streams last as long as somebody listens.
CONFIG: Final = """
[dictionaries]
characters = { values = ["mira", "opal-fever"] }
users = { values = ["ann", "bob"] }
workflows = { values = ["quick", "mine"] }
backends = { values = ["b1"] }
few = { values = [1, 2] }
[parameters]
"body.character" = { dictionary = "characters", probability = 0.9 }
"body.model" = { dictionary = "characters", probability = 0.9 }
"body.user" = { dictionary = "users", probability = 0.8 }
"body.quantity" = { dictionary = "few", probability = 0.8 }
"path.user" = { dictionary = "users", probability = 0.5 }
"path.character" = { dictionary = "characters", probability = 0.5 }
"path.name" = { dictionary = "backends", probability = 0.5 }
[phases.stateful]
max-steps = 12
[phases.stateful.generation]
max-examples = 150
[phases.stateful.inference]
algorithms = []
[[operations]]
include-operation-id = ["all_events", "batch_events"]
request-timeout = 2
max-stream-events = 2
"""


@dataclass(frozen=True)
class Asked:
    """A server that has a key, and where its document is."""

    url: str
    key: str


@pytest.fixture
def asked(processes: Processes) -> Iterator[Asked]:
    """With a simulated GPU, so that orders end, and with somebody else who orders all the time."""
    serving = processes.serve([processes.simulate(seconds=0).url])
    asked = Asked(serving.url, made(processes, "admin"))
    with ordering(asked):
        yield asked
    assert not [line for line in serving.process.lines if "request failed" in line]


@contextmanager
def ordering(asked: Asked) -> Iterator[None]:
    """Three orders a second, at a backend that is let go on when it was drained."""
    over = threading.Event()
    order = {"user": "zoe", "character": "mira", "prompt": "", "quantity": 1}

    def orders() -> None:
        while not over.wait(0.3):
            ask(asked, "/v1/backends/b1/resume", None)
            ask(asked, "/v1/batches", order)

    thread = threading.Thread(target=orders)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def ask(asked: Asked, path: str, body: object) -> None:
    """One POST; whatever comes back."""
    connection = http.client.HTTPConnection(urlsplit(asked.url).netloc, timeout=30)
    try:
        sent = json.dumps(body) if body else None
        connection.request("POST", path, sent, {"Authorization": f"Bearer {asked.key}"})
        connection.getresponse().read()
    finally:
        connection.close()


def run(asked: Asked, folder: Path, *flags: str) -> str:
    """What schemathesis has to say; it must have found nothing."""
    document, config = folder / "openapi.json", folder / "schemathesis.toml"
    document.write_text(json.dumps(reference.document()))
    config.write_text(CONFIG)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
    command += [str(document), "--url", asked.url, "--seed", "1"]
    command += ["--max-examples", str(EXAMPLES), "--request-timeout", "30"]
    command += ["--generation-database", "none", "--no-color", *flags]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    print(done.stdout)
    return done.stdout


def test_an_administrator_is_answered_as_the_document_says(asked: Asked, tmp_path: Path) -> None:
    """All phases, with a key that may do everything; the document's links lead somewhere."""
    bearer = f"Authorization: Bearer {asked.key}"
    said = run(asked, tmp_path, "--header", bearer, "--checks", CHECKS)
    assert "Selected: 63/63" in said
    covered = re.search(r"API Links: +([0-9]+) covered", said)
    assert covered
    assert int(covered[1]) > 12


@pytest.mark.parametrize("half", ["--include-method", "--exclude-method"])
def test_no_key_and_a_wrong_one_are_refused(asked: Asked, tmp_path: Path, half: str) -> None:
    """Wherever the right key was answered. More than 30 wrong ones a minute would be answered 429,
    so reading and writing are tried apart, and not in chains."""
    bearer = f"Authorization: Bearer {asked.key}"
    flags = (half, "GET", "--phases", "examples,coverage")
    run(asked, tmp_path, "--header", bearer, "--checks", "ignored_auth", *flags)


def test_nobody_is_refused_as_the_document_says(asked: Asked, tmp_path: Path) -> None:
    """Without a key: the same requests, and nothing but refusals."""
    checks = "not_a_server_error,status_code_conformance,content_type_conformance"
    run(asked, tmp_path, "--checks", checks, "--phases", "examples,coverage,fuzzing")
