"""`audit`: whether the database, the store and every publisher agree."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from safelight.cli.session import BROKEN, KEPT, OPERATE, Failure, Session, command, last_words
from safelight.cli.terminal import err, out, say

if TYPE_CHECKING:
    from safelight.assembly import Auditor, Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "audit", OPERATE)(audit)


async def audit(
    session: Session,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put right what can be, and say what was done.")
    ] = False,
    publisher: Annotated[
        list[str] | None,
        typer.Option("--publisher", metavar="NAME", help="Of these publishers only; repeatable."),
    ] = None,
    no_publishers: Annotated[
        bool, typer.Option("--no-publishers", help="Ask no publisher.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every picture, not only its size.")
    ] = False,
    user: Annotated[str | None, typer.Option("--user", "-u", help="Of this user only.")] = None,
) -> int:
    """Prove that the database, the store and every publisher agree, while everything runs on.

    Exit code 1 where something was found that is not put right.
    """
    from safelight import assembly
    from safelight.cli.logs import log_warnings

    log_warnings(session.settings())
    if publisher and no_publishers:
        raise Failure("--publisher and --no-publishers contradict each other", "leave one out")
    names = () if no_publishers else tuple(publisher) if publisher else None
    wanted = assembly.Wanted(repair, deep, user, names)
    # The line on a terminal takes stdout for itself, wherever it leads.
    target = None if out.is_terminal else sys.stdout
    with shown(session) as progress, last_words(lambda: say("Not everything was looked at.")):
        async with assembly.auditing(session.settings(), wanted, progress) as auditor:
            found = await (_as_json(auditor) if session.json else _as_lines(auditor, target))
    left = found[False]
    if not session.json:
        _conclude(auditor, found)
    return BROKEN if left else KEPT


async def _as_lines(auditor: Auditor, target: TextIO | None) -> Counter[bool]:
    """Each finding as it comes; how many are put right, and how many are not."""
    found: Counter[bool] = Counter()
    async for one in auditor.findings():
        found[one.repaired] += 1
        at = f" at {one.publisher}" if one.publisher and one.publisher != one.about else ""
        done = f"; {one.repair}" if one.repair else ""
        print(f"{one.kind:14}  {one.about}{at}: {one.detail}{done}", file=target, flush=True)
    return found


async def _as_json(auditor: Auditor) -> Counter[bool]:
    """The same as one document, written as it comes: there may be very many."""
    found: Counter[bool] = Counter()
    print('{\n  "findings": [', end="")
    async for one in auditor.findings():
        print(f"{',' if found else ''}\n    {_object(one)}", end="", flush=True)
        found[one.repaired] += 1
    counts = auditor.counts
    print(f'\n  ],\n  "images": {counts.images},\n  "objects": {counts.objects},', end="")
    print(f'\n  "copies": {counts.copies},\n  "repaired": {found[True]},', end="")
    print(f'\n  "left": {found[False]}\n}}', flush=True)
    return found


def _object(finding: Finding) -> str:
    import json

    return json.dumps(asdict(finding), ensure_ascii=False)


def _conclude(auditor: Auditor, found: Counter[bool]) -> None:
    counts = auditor.counts
    say(f"{counts.images} images, {counts.objects} pictures in the store, {counts.copies} copies.")
    if not found:
        say("All agree.", "green")
        return
    if found[True]:
        say(f"{found[True]} put right.", "green")
    if found[False]:
        say(f"{found[False]} not put right.", "yellow")
        if auditor.mender is None:
            say("`safelight audit --repair` puts right what can be.")


@contextmanager
def shown(session: Session) -> Iterator[Callable[[str, int], None]]:
    """On a terminal, a line that says how far it is."""
    if session.json or not err.is_terminal:
        yield lambda what, count: None
        return
    with err.status("…") as status:
        yield lambda what, count: status.update(f"{what}: {count}")
