"""`erase`: everything of one user, gone."""

from __future__ import annotations

import signal
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from safelight.cli.audit import shown
from safelight.cli.session import BROKEN, KEPT, OPERATE, Failure, Session, command, last_words
from safelight.cli.terminal import emit, err, say

if TYPE_CHECKING:
    from safelight.assembly import Erased, Eraser, Known

_REMAINS: Final = (
    "rows without texts or pictures: user and character, indices, seeds, times, hashes",
    "pictures in the ComfyUI servers' output folders, until they are emptied (docs, Retention)",
    "older backups",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "erase", OPERATE)(erase)


async def erase(
    session: Session,
    user: Annotated[
        str, typer.Option("--user", "-u", help="Whose everything.", show_default=False)
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    publications: Annotated[
        bool,
        typer.Option("--publications/--keep-publications", help="Also the copies at publishers."),
    ] = True,
) -> int:
    """Erase a user: cancel what is unfinished, remove pictures and copies, forget all texts.

    Have your application order nothing more for this user first. It cannot be undone. Indices stay
    taken. Run again what was interrupted.
    """
    from safelight import assembly
    from safelight.cli.logs import log_warnings

    log_warnings(session.settings())
    again = f"Not everything is erased: run `safelight erase --user {user}` again."
    async with assembly.erasing(session.settings(), user) as eraser:
        known = await assembly.known_of(eraser, user)
        if not known.batches:
            raise Failure(f"nobody ever ordered for {user!r}", "check the id")
        if not yes:
            _confirm(user, known)
        with shown(session) as progress, last_words(lambda: say(again)):
            done = await replace(eraser, progress=progress).erase(user, publications=publications)
        left = await _left(eraser, user, session)
    if session.json:
        emit({"user": user, **asdict(done), "left": left, "remains": list(_REMAINS)})
    else:
        _tell(user, done)
    return BROKEN if done.unfinished or done.copies_left else KEPT


def _confirm(user: str, known: Known) -> None:
    pictures, copies = known.pictures, known.copies
    say(f"{user}: {known.batches} batches, {pictures} pictures, {copies} copies at publishers.")
    err.print("Type the user's id to erase all of it: ", end="")
    # Ctrl-C ends the waiting at once; the loop would hear of it only after the next line.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        typed = input()
    except EOFError:
        typed = ""
    finally:
        signal.signal(signal.SIGINT, before)
    if typed.strip() != user:
        raise Failure("nothing was erased: that is not the user's id", "type it, or say --yes")


async def _left(eraser: Eraser, user: str, session: Session) -> list[dict[str, object]]:
    """Copies that are still there: printed line by line, or given back for JSON."""
    left: list[dict[str, object]] = []
    async for copy in eraser.copies_left(user):
        reason = copy.reason or "not tried yet"
        if session.json:
            left.append({"publisher": copy.publisher, "place": copy.place, "reason": reason})
        else:
            print(f"{copy.publisher}  {copy.place}: {reason}", flush=True)
    return left


def _tell(user: str, done: Erased) -> None:
    say(f"{user}: {done.batches} batches erased, {done.files} files removed.")
    if done.unfinished:
        say(f"{done.unfinished} batches are still at backends: run this again later.", "yellow")
    if done.copies_left:
        say(f"{done.copies_left} copies are not removed; workers try again.", "yellow")
    say("What remains:")
    for what in _REMAINS:
        say(f"  {what}")
