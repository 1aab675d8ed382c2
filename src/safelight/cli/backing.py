"""`backup` and `restore`: everything as one file, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safelight.cli.session import BROKEN, KEPT, OPERATE, Failure, Session, command, last_words
from safelight.cli.terminal import emit, err, say, show

if TYPE_CHECKING:
    from safelight.assembly import Outcome, Summary

_HOLES = ["user", "character", "indices", "pictures"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "backup", OPERATE)(backup)
    command(app, "restore", OPERATE)(restore)


async def backup(
    session: Session,
    file: Annotated[Path, typer.Argument(help="The file to write; one of this name is replaced.")],
    with_store: Annotated[
        bool, typer.Option("--with-store", help="The pictures as well, not only the database.")
    ] = False,
) -> int:
    """Write the database to a file, as it is at one moment, while everything runs on.

    The pictures in the store are not in it unless you say so.
    """
    from safelight import assembly
    from safelight.cli.logs import log_warnings

    log_warnings(session.settings())
    if not file.absolute().parent.is_dir():
        raise Failure(f"there is no folder {file.absolute().parent}", "make it first")
    with _shown() as progress, last_words(lambda: say("Nothing was written.")):
        try:
            summary = await assembly.backup(
                session.settings(), file.absolute(), with_store=with_store, progress=progress
            )
        except assembly.Unwritten as error:
            raise Failure(f"{file} cannot be written: {error}", code=BROKEN) from None
    if session.json:
        emit({"file": str(file), "bytes": file.stat().st_size, **asdict(summary)})
        return KEPT
    say(f"{file}: {_told(summary)}, {file.stat().st_size} bytes.")
    if summary.pictures is None:
        say("The pictures are not in it: back up the store after this, or say --with-store.")
    return KEPT


async def restore(
    session: Session,
    file: Annotated[Path, typer.Argument(help="A file that `safelight backup` has written.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also where the database has images: they are lost.")
    ] = False,
) -> int:
    """Put a backup in the place of the database: all of it, or nothing.

    Stop `serve` and `work` first. Indices that anybody may have seen are not given out again.
    """
    from safelight import assembly
    from safelight.cli.logs import log_warnings

    log_warnings(session.settings())
    with _shown() as progress, last_words(lambda: say("The database is as it was.")):
        try:
            outcome = await assembly.restore(
                session.settings(), file, force=force, progress=progress
            )
        except assembly.NotEmpty as full:
            raise Failure(
                f"the database has {full}, which would be lost",
                "say --force if they may be, or restore into another SAFELIGHT_HOME",
            ) from None
        except assembly.BadBackup as bad:
            advice = "nothing was changed; try another backup"
            raise Failure(f"{file} cannot be restored: {bad}", advice, BROKEN) from None
    if session.json:
        emit(asdict(outcome))
    else:
        _tell(outcome)
    return KEPT


def _tell(outcome: Outcome) -> None:
    made = outcome.summary.created_at
    say(f"Restored as of {made}: {_told(outcome.summary)}.")
    if outcome.lost_images:
        say(f"{outcome.lost_images} images that the database had are lost.", "yellow")
    if outcome.again:
        say(f"{outcome.again} images were being drawn; they are drawn again.")
    if outcome.raised:
        say("Indices given out after the backup stay taken; these are holes now:")
        rows = [
            [one.user, one.character, f"{one.holes[0]}–{one.holes[1]}", one.pictures]
            for one in outcome.raised
        ]
        show(_HOLES, rows, right="pictures")
    if outcome.orphans:
        say(f"{outcome.orphans} pictures in the store belong to no image any more.", "yellow")


def _told(summary: Summary) -> str:
    pictures = "" if summary.pictures is None else f", {summary.pictures} pictures"
    return f"{summary.batches} batches, {summary.images} images{pictures}"


@contextmanager
def _shown() -> Iterator[Callable[[str, int], None]]:
    """On a terminal, a line that says what is being done."""
    if not err.is_terminal:
        yield lambda what, count: None
        return
    with err.status("…") as status:
        yield lambda what, count: status.update(f"{what}: {count}" if count else f"{what} …")
