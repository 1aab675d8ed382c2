"""How long the embedded server is waited for, and how its answers are read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from safelight.database import cluster, embedded
from safelight.database.cluster import Cluster, State
from safelight.database.embedded import EmbeddedError, attach


async def test_patience_ends_while_the_server_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "PATIENCE", 0.3)
    (tmp_path / "cluster").mkdir()
    with (
        _answering(tmp_path / "cluster", b"E\0\0\0\x0fSFATAL\0C57P03\0\0"),
        pytest.raises(EmbeddedError, match="not ready yet"),
    ):
        await attach(tmp_path)


async def test_patience_ends_while_another_process_starts_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "PATIENCE", 0.3)
    with (
        embedded._alone(tmp_path, embedded._Patience(1)),
        pytest.raises(EmbeddedError, match="another process"),
    ):
        await attach(tmp_path)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"E\0\0\0\x0fSFATAL\0C57P03\0\0", State.BUSY),
        (b"E\0\0\0\x0fSFATAL\0C53300\0\0", State.READY),
        (b"R\0\0\0\x08\0\0\0\0", State.READY),
        (b"", State.BUSY),
    ],
)
def test_a_server_is_judged_by_its_answer(tmp_path: Path, answer: bytes, state: State) -> None:
    with _answering(tmp_path, answer):
        assert Cluster(tmp_path, tmp_path / "log", None).state() is state


@contextmanager
def _answering(folder: Path, answer: bytes) -> Iterator[None]:
    """Something that listens where the server would, and gives every caller this answer."""
    script = f"""
import os, socket
os.chdir({str(folder)!r})
listener = socket.socket(socket.AF_UNIX)
listener.bind({cluster.SOCKET!r})
listener.listen()
print(flush=True)
while True:
    line = listener.accept()[0]
    line.recv(4096)
    line.sendall({answer!r})
    line.close()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()
