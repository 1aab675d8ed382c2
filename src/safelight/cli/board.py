"""A batch while it is drawn: what is known of its images, as a display or line by line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from safelight.cli.terminal import STYLES, err, say, suggest
from safelight.client import ClientError

if TYPE_CHECKING:
    from safelight.client import AsyncBatch, AsyncClient, Event

ROWS: Final = 16  # of a larger batch only the images in work are shown
IMPATIENCE: Final = 4.0  # seconds in which nothing was sent to a backend


@dataclass(slots=True)
class Row:
    """What is known of one image."""

    index: int
    status: str
    step: int = 0
    steps: int = 0
    reason: str = ""

    @property
    def words(self) -> str:
        """Its state for a person.

        Example:
            >>> Row(4, "dispatched", 3, 20).words
            'rendering 3/20'
        """
        if self.steps:
            return f"rendering {self.step}/{self.steps}"
        words = "sent to a backend" if self.status == "dispatched" else self.status
        return f"{words}: {self.reason}" if self.reason else words


class Board:
    """The images of one batch, highest index first, as its events tell."""

    def __init__(self, batch: AsyncBatch) -> None:
        self._by_id = {
            image.id: Row(image.index, image.status, reason=_reason(image.raw))
            for image in batch.images
        }

    @property
    def rows(self) -> Sequence[Row]:
        """One for each image."""
        return list(self._by_id.values())

    def count(self, status: str) -> int:
        """How many images are in that state."""
        return sum(row.status == status for row in self.rows)

    def hear(self, event: Event) -> Row | None:
        """The row that the event changed."""
        if event.type == "reset":
            for image in event.data["images"]:
                self._by_id[image["id"]].status = image["status"]
        row = self._by_id.get(event.image or "")
        kind, _, status = event.type.partition(".")
        if row is None or kind not in ("image", "progress"):
            return None
        if kind == "progress":
            row.step, row.steps = event.data["step"], event.data["steps"]
        else:
            row.status, row.step, row.steps = status, 0, 0
            row.reason = _reason(event.data)
        return row


async def follow(client: AsyncClient, batch: AsyncBatch) -> AsyncBatch:
    """Show a batch until it has ended; returns it as it is then."""
    if batch.ended:
        return batch
    board = Board(batch)
    waiting = asyncio.create_task(_say_what_it_waits_for(client, board))
    try:
        with _display(board) as changed:
            async with aclosing(client.watch(batch.id, batch.last_event)) as events:
                async for event in events:
                    changed(board.hear(event), event)
    finally:
        waiting.cancel()
    return await client.batch(batch.id)


def _reason(data: dict[str, Any]) -> str:
    error = data.get("error") or {}
    return str(error.get("detail") or data.get("reason") or "")


@contextmanager
def _display(board: Board) -> Iterator[Callable[[Row | None, Event], None]]:
    if not err.is_terminal:
        yield _line
        return
    with Live(console=err, get_renderable=lambda: picture(board), transient=True):
        yield lambda row, event: None


def _line(row: Row | None, event: Event) -> None:
    """Steps are for eyes: a log gets one line per transition."""
    if row is not None and event.number is not None:
        say(f"{row.index:05d}  {row.words}")


def picture(board: Board) -> Table:
    """What a terminal shows: a bar for the batch, a line for each image."""
    total = len(board.rows)
    grid = Table.grid(padding=(0, 2))
    done = board.count("stored")
    grid.add_row("", ProgressBar(total, done, width=24), Text(f"{done} of {total} stored", "bold"))
    for row in board.rows:
        if total <= ROWS or row.status == "dispatched":
            grid.add_row(Text(f"{row.index:05d}", "bold"), _bar(row), _words(row))
    return grid


def _bar(row: Row) -> ProgressBar:
    if row.status == "dispatched":
        return ProgressBar(row.steps or 1, row.step, width=24)
    return ProgressBar(1, int(row.status == "stored"), width=24)


def _words(row: Row) -> Text:
    return Text(row.words, STYLES.get(row.status, ""), overflow="ellipsis", no_wrap=True)


async def _say_what_it_waits_for(client: AsyncClient, board: Board) -> None:
    """A batch may wait for hours for a backend that nobody has started."""
    await asyncio.sleep(IMPATIENCE)
    if board.count("queued") < len(board.rows):
        return
    try:
        backends = await client.backends()
    except ClientError:  # whoever watches the batch meets the same and says so
        return
    if any(backend["state"] == "ready" for backend in backends):
        return
    for backend in backends:
        reason = f" ({backend['reason']})" if backend.get("reason") else ""
        where = f"{backend['name']} at {backend['url']}"
        say(f"backend {where} is {backend['state']}{reason}", "yellow")
    suggest("The batch waits. Start a backend, or one to practise with:", "safelight simulate")
