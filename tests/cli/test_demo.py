"""`demo`: from nothing to four different pictures, and again, and interrupted."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from safelight.cli.demo import look_at
from safelight.cli.session import BROKEN, KEPT
from safelight.client import AsyncBatch, AsyncClient
from tests.cli.scripted_server import batch_json
from tests.cli.terminal import Shell, interrupt_after
from tests.story.pictures import assert_exactly, pixels


@pytest.fixture
def empty(shell: Shell) -> Iterator[Shell]:
    """An empty home, and settings that the demo must not read."""
    (shell.folder / "safelight.toml").write_text("[server]\nprot = 1\n")
    yield shell
    assert processes_in(Path(shell.environ["SAFELIGHT_HOME"])) == []


def processes_in(home: Path) -> list[str]:
    """Processes that work in this home."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(home):
                found.append(process.name())
        except (psutil.Error, FileNotFoundError):
            continue
    return found


def written(shell: Shell) -> list[str]:
    return sorted(path.name for path in (shell.folder / "demo-output").iterdir())


def names(*indices: int) -> list[str]:
    return [f"demo_mira_image_{index:05d}_.png" for index in indices]


def test_the_demo_makes_four_different_pictures_and_the_next_one_four_more(empty: Shell) -> None:
    first = empty.type("demo", "--seconds", "0.1")
    assert first.code == 0, first
    table = [re.split(r"\s{2,}", line.strip()) for line in first.out.splitlines()[1:]]
    assert [row[0] for row in table] == ["4", "3", "2", "1"]
    assert [row[1] for row in table] == names(4, 3, 2, 1)
    assert "4 pictures, all different" in first.err
    assert written(empty) == ["batch.json", "contact-sheet.png", *names(1, 2, 3, 4)]
    output = empty.folder / "demo-output"
    assert len({pixels((output / name).read_bytes()) for name in names(1, 2, 3, 4)}) == 4
    with Image.open(io.BytesIO((output / "contact-sheet.png").read_bytes())) as sheet:
        assert sheet.width > 1000
    batch = json.loads((output / "batch.json").read_text())
    assert_exactly(batch, 4)
    assert [image["seed"] for image in batch["images"]] == [int(row[2]) for row in table]

    second = empty.type("demo", "--seconds", "0.1", "--json")
    assert second.code == 0, second
    assert second.json() == json.loads((output / "batch.json").read_text())
    assert second.json()["indices"] == [8, 7, 6, 5]
    assert written(empty)[2:] == names(*range(1, 9))


def test_ctrl_c_in_the_demo_leaves_nothing_running_and_loses_no_index(empty: Shell) -> None:
    stopped = interrupt_after(empty.start("demo", "-n", "2"), "sent to a backend")
    assert stopped.code == 130, stopped
    assert "safelight demo" in stopped.err
    assert processes_in(Path(empty.environ["SAFELIGHT_HOME"])) == []
    again = empty.type("demo", "-n", "1", "--seconds", "0.1", "--json")
    assert again.code == 0, again
    assert again.json()["indices"] == [3]


def test_an_output_that_cannot_be_written_stops_it_at_once(empty: Shell) -> None:
    (empty.folder / "demo-output").write_text("a file")
    empty.type("demo").assert_failed(2, "demo-output", "cannot be written")
    assert not Path(empty.environ["SAFELIGHT_HOME"]).exists()


def test_the_demo_would_notice_twins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("demo-output").mkdir()
    picture = tmp_path / "a.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    client = AsyncClient("http://127.0.0.1:9")
    two = AsyncBatch.of(batch_json("completed", ("stored", "stored")), client).images
    assert look_at([(two[0], picture)]) == KEPT
    assert look_at([(image, picture) for image in two]) == BROKEN
    assert "Only 1 of 2 pictures differ" in capsys.readouterr().err
