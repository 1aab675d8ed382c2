"""How things are shown: results on stdout, everything said to people beside them on stderr.

A terminal gets colours and boxes, a pipe gets plain lines that nothing cuts off.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

STYLES: Final = {
    "completed": "green",
    "stored": "green",
    "ready": "green",
    "ok": "green",
    "delivered": "green",
    "active": "green",
    "running": "cyan",
    "dispatched": "cyan",
    "queued": "dim",
    "unknown": "dim",
    "partial": "yellow",
    "resting": "yellow",
    "draining": "yellow",
    "canceled": "yellow",
    "failed": "bold red",
    "unreachable": "red",
    "disabled": "red",
    "dead": "bold red",
}

# Columns that people copy from: never broken into lines.
WHOLE: Final = ("index", "name", "seed", "seconds", "batch", "indices", "status", "ordered")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def say(message: str, style: str = "") -> None:
    """A line for people, on stderr."""
    err.print(Text(message, style), soft_wrap=not err.is_terminal)


def suggest(message: str, command: str) -> None:
    """What to type next, on a line of its own that can be copied whole."""
    say(message)
    err.print(Text(f"  {command}", "bold"), soft_wrap=True)


def part(message: str, command: str) -> None:
    """The last words after Ctrl-C, below the ^C that a terminal shows."""
    suggest(f"\n{message}" if err.is_terminal else message, command)


def complain(message: str, advice: str = "") -> None:
    """What went wrong and what to do next, on stderr."""
    label, text = Text("error:", "bold red"), "\n".join(filter(None, (message, advice)))
    if err.is_terminal:
        grid = Table.grid(padding=(0, 1))
        grid.add_row(label, Text(text))
        err.print(grid)
    else:
        err.print(Text.assemble(label, " ", text.replace("\n", "\n       ")), soft_wrap=True)


def emit(value: Any) -> None:
    """A result for machines, on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=2), flush=True)


def show(headings: Sequence[str], rows: Sequence[Sequence[object]], right: str = "") -> None:
    """A table on stdout; the columns named in `right` (by words) hold numbers.

    Example:
        show(["index", "name"], [[4, "demo_mira_image_00004_.png"]], right="index")
    """
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    numbers = right.split()
    if out.is_terminal:
        out.print()
        out.print(_table(headings, cells, numbers))
        out.print()
        return
    for line in plain(headings, cells, numbers):
        print(line)


def plain(
    headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()
) -> list[str]:
    """The same table as lines of aligned columns.

    Example:
        >>> plain(["index", "name"], [["4", "a.png"]], ["index"])
        ['INDEX  NAME', '    4  a.png']
    """
    titles = [heading.upper() for heading in headings]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    sides = [">" if heading in right else "<" for heading in headings]
    lines = []
    for row in (titles, *rows):
        cells = zip(row, sides, widths, strict=True)
        lines.append("  ".join(f"{cell:{side}{width}}" for cell, side, width in cells).rstrip())
    return lines


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for heading in headings:
        side: Literal["left", "right"] = "right" if heading in right else "left"
        whole = heading in WHOLE
        table.add_column(
            heading, justify=side, no_wrap=whole, overflow="ellipsis" if whole else "fold"
        )
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(text: str) -> Text:
    """A link may be cut off where it is shown, because it can still be clicked."""
    if text.startswith(("http://", "https://")):
        return Text(text, Style(link=text, dim=True), no_wrap=True, overflow="ellipsis")
    return Text(text, STYLES.get(text.partition(" ")[0], ""))


def when(at: datetime, now: datetime) -> str:
    """A moment in the zone of `now`, as short as it is clear.

    Example:
        >>> from datetime import UTC
        >>> when(datetime(2026, 5, 4, 9, 30, tzinfo=UTC), datetime(2026, 5, 4, 20, 0, tzinfo=UTC))
        '09:30'
    """
    at = at.astimezone(now.tzinfo)
    if at.date() == now.date():
        return at.strftime("%H:%M")
    return at.strftime("%d %b" if at.year == now.year else "%Y-%m-%d")
