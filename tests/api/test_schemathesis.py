"""Every operation of the OpenAPI document, asked with what fits it and with what does not.

Schemathesis reads the document and tries examples, borders, random requests
and chains of requests (an answer's ids are asked for, used, and asked for again). Each answer must
be of a status, a type and a shape that the document names, and never a fault of ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.docs import reference
from tests.processes import Processes
from tests.story.test_keys import made

# Streams of events last as long as somebody listens.
ENDLESS: Final = ("all_events", "batch_events")
CHECKS: Final = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance,negative_data_rejection,"
    "unsupported_method,use_after_free,ignored_auth"
)
EXAMPLES: Final = 30  # requests tried for each operation and phase


@dataclass(frozen=True)
class Asked:
    """A server that has a key, and where its document is."""

    url: str
    key: str


@pytest.fixture
def asked(processes: Processes) -> Iterator[Asked]:
    """With a simulated GPU, so that orders end."""
    serving = processes.serve([processes.simulate(seconds=0).url])
    yield Asked(serving.url, made(processes, "admin"))
    assert not [line for line in serving.process.lines if "request failed" in line]


def run(asked: Asked, folder: Path, *flags: str) -> str:
    """What schemathesis has to say; it must have found nothing."""
    document = folder / "openapi.json"
    document.write_text(json.dumps(reference.document()))
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", asked.url]
    for operation in ENDLESS:
        command += ["--exclude-operation-id", operation]
    command += ["--seed", "1", "--max-examples", str(EXAMPLES), "--request-timeout", "30"]
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
    """All phases, with a key that may do everything."""
    bearer = f"Authorization: Bearer {asked.key}"
    run(asked, tmp_path, "--header", bearer, "--checks", CHECKS)


def test_nobody_is_refused_as_the_document_says(asked: Asked, tmp_path: Path) -> None:
    """Without a key: the same requests, and nothing but refusals."""
    checks = "not_a_server_error,status_code_conformance,content_type_conformance"
    run(asked, tmp_path, "--checks", checks, "--phases", "examples,coverage,fuzzing")
