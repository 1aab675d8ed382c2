"""What is shown of a batch while it is drawn, and how tables look on a terminal and in a pipe."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from safelight.cli.board import ROWS, Board, picture
from safelight.cli.terminal import plain
from safelight.client import AsyncBatch, AsyncClient, Event
from tests.cli.scripted_server import batch_json
from tests.cli.terminal import Shell


def board(*statuses: str) -> Board:
    return Board(AsyncBatch.of(batch_json("running", statuses), AsyncClient("http://127.0.0.1:9")))


def happens(type: str, image: str | None, **data: object) -> Event:
    return Event(None if type == "progress" else 5, type, "b1", image, dict(data))


def shown(board: Board) -> list[str]:
    console = Console(file=io.StringIO(), width=70)
    console.print(picture(board))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (happens("image.dispatched", "i1"), "sent to a backend"),
        (happens("progress", "i1", step=3, steps=20), "rendering 3/20"),
        (happens("image.queued", "i1", reason="lost"), "queued: lost"),
        (happens("image.stored", "i1"), "stored"),
        (happens("image.failed", "i1", error={"detail": "no memory"}), "failed: no memory"),
        (happens("image.canceled", "i1"), "canceled"),
    ],
)
def test_an_event_changes_the_row_of_its_image(event: Event, words: str) -> None:
    seen = board("queued", "queued")
    row = seen.hear(event)
    assert row is not None
    assert (row.index, row.words) == (1, words)
    assert seen.rows[0].words == "queued"


def test_a_reset_changes_every_row() -> None:
    """The database was restored: what was stored may wait again."""
    seen = board("stored", "dispatched")
    images = [
        {"id": "i2", "index": 2, "status": "stored"},
        {"id": "i1", "index": 1, "status": "queued"},
    ]
    assert seen.hear(happens("reset", None, reason="restored", images=images)) is None
    assert [row.words for row in seen.rows] == ["stored", "queued"]


def test_events_of_the_batch_and_its_copies_change_no_row() -> None:
    seen = board("stored")
    for type, image in (
        ("batch.completed", None),
        ("publication.uploaded", "i1"),
        ("image.stored", "x"),
    ):
        assert seen.hear(happens(type, image)) is None
    assert seen.rows[0].words == "stored"


def test_progress_ends_with_the_transition() -> None:
    seen = board("dispatched")
    seen.hear(happens("progress", "i1", step=19, steps=20))
    seen.hear(happens("image.stored", "i1"))
    assert seen.rows[0].words == "stored"


def test_the_picture_has_a_bar_for_the_batch_and_a_line_for_each_image() -> None:
    seen = board("queued", "failed", "dispatched", "stored")
    seen.hear(happens("progress", "i2", step=10, steps=20))
    lines = shown(seen)
    assert lines[0].endswith("1 of 4 stored")
    assert [line[:5] for line in lines[1:]] == ["00004", "00003", "00002", "00001"]
    assert lines[2].endswith("failed: the backend ran out of memory")
    assert lines[3].endswith("rendering 10/20")


def test_of_a_large_batch_only_what_is_in_work_is_shown() -> None:
    lines = shown(board(*["queued"] * ROWS, "dispatched", "stored"))
    assert len(lines) == 2
    assert lines[1].startswith("00002")


def test_a_pipe_gets_aligned_columns() -> None:
    assert plain(["index", "name"], [["4", "a.png"], ["13", ""]], ["index"]) == [
        "INDEX  NAME",
        "    4  a.png",
        "   13",
    ]
    assert plain(["index", "name"], []) == ["INDEX  NAME"]


def test_a_terminal_gets_colours_bars_and_links(backed: Shell) -> None:
    seen = backed.show("generate", "mira", "-u", "ann", "-n", "2")
    assert "of 2 stored" in seen
    assert "\x1b[32mcompleted" in seen
    assert "\x1b]8;" in seen
    assert "────" in seen


def test_no_color_is_respected(backed: Shell) -> None:
    backed.environ["NO_COLOR"] = "1"
    seen = backed.show("batches", "bogus")
    assert "\x1b[31m" not in seen
    assert "No such command" in seen
