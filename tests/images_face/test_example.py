"""The example for OpenAI clients does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT
from tests.images_face.sdk import format_of
from tests.processes import Serving


def test_openai_client_py_writes_the_pictures(face: Serving, tmp_path: Path) -> None:
    script = ROOT / "examples" / "openai_client.py"
    done = subprocess.run(
        [sys.executable, str(script), "mira", "at the sea", "--user", "example", "-n", "2"],
        cwd=tmp_path,
        env={**os.environ, "SAFELIGHT_URL": face.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = ["mira-00002.webp", "mira-00001.webp"]
    assert [line.split()[0] for line in done.stdout.splitlines()] == names
    assert {format_of((tmp_path / name).read_bytes()) for name in names} == {"WEBP"}
