"""`adopt`: takes over the pictures of a service that was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from safelight.cli.session import (
    AWAY,
    BAD_USAGE,
    BROKEN,
    KEPT,
    OPERATE,
    Failure,
    Session,
    command,
    last_words,
)
from safelight.cli.terminal import emit, err, say, show

if TYPE_CHECKING:
    from safelight.core.adopting import Report

_SHOWN: Final = 40  # rows of a table; --json has all
_GO_ON: Final = "Stopped. Nothing is lost and nothing is taken twice: the same command goes on."


class Means(StrEnum):
    """What the number in an index file is."""

    LAST = "last"
    NEXT = "next"


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "adopt", OPERATE)(adopt)


async def adopt(
    session: Session,
    user: Annotated[
        str, typer.Option("--user", "-u", help="Whose series they belong to.", show_default=False)
    ],
    character: Annotated[
        str, typer.Option("--character", help="Id of the character.", show_default=False)
    ],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="URL|FOLDER",
            help="The ComfyUI that has them, or a folder of this machine.",
            show_default=False,
        ),
    ],
    subfolder: Annotated[
        str, typer.Option(help="Of ComfyUI's output folder.", show_default=False)
    ] = "",
    index_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The old index.txt: a name beside the pictures, or with a slash, a path.",
            show_default=False,
        ),
    ] = None,
    index_means: Annotated[
        Means,
        typer.Option(
            metavar="last|next", help="Whether it says the last number given out, or the next one."
        ),
    ] = Means.LAST,
    name_template: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPLATE",
            help="Of the names, where it is not {user}_{character}_image_{index:05d}_.png.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Read every picture of a ComfyUI, not only look at it.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it. Without it nothing is changed.")
    ] = False,
) -> int:
    """Take over pictures that were drawn before, under the numbers they have.

    Without --apply it only says what would be done. Works while `serve` runs.
    """
    from safelight import assembly
    from safelight.cli.logs import log_warnings

    log_warnings(session.settings())
    wanted = assembly.Adoption(
        user=user,
        character=character,
        source=source,
        subfolder=subfolder,
        index_file=index_file,
        index_means=index_means.value,
        template=name_template,
        apply=apply,
        check=check,
    )
    with _shown() as progress, last_words(lambda: say(_GO_ON if apply else "Stopped.")):
        try:
            report = await assembly.adopt(session.settings(), wanted, progress)
        except assembly.OutputAway as away:
            # Not what was typed: an address may have a password in it.
            advice = "" if away.usage else "the same command goes on where this one stopped"
            code = BAD_USAGE if away.usage else AWAY
            raise Failure(f"cannot take over: {away}", advice, code) from None
    if session.json:
        emit({**asdict(report), "missing_count": report.missing_count})
    else:
        _tell(report)
    return KEPT if report.complete else BROKEN


def _tell(report: Report) -> None:
    rows = [["found", report.found], ["missing numbers", report.missing_count]]
    if report.index_file is not None:
        rows.append(["index file", report.index_file])
    rows += [
        ["adopted" if report.applied else "would be adopted", len(report.adopted)],
        ["adopted before", report.already],
        ["left", len(report.left)],
        ["twins", len(report.twins)],
        ["goes on after" if report.applied else "would go on after", report.goes_on_after],
    ]
    show(["what", "number"], rows, right="number")
    if report.left:
        left = [[one.index, one.name, one.code, one.detail] for one in report.left[:_SHOWN]]
        show(["index", "name", "why", "detail"], left, right="index")
        _say_more(len(report.left))
    if report.disagreement:
        say(f"{report.disagreement}.", "yellow")
    if report.missing:
        say(f"No file: {_ranges(report.missing)}. These numbers stay holes.")
    for group in report.twins[:_SHOWN]:
        say(f"The same picture: {', '.join(map(str, group))}. All are kept.", "yellow")
    _say_more(len(report.twins))
    if report.seed_unknown:
        say(f"Of {report.seed_unknown} the seed is not known.")
    _conclude(report)


def _conclude(report: Report) -> None:
    if not report.found:
        say("No picture is called like that there.", "yellow")
    elif not report.applied:
        if not report.checked:
            say("They were only looked at: --check reads them and finds twins and damage.")
        say("Nothing was changed. Do it with --apply.")
    elif not report.adopted:
        say("Nothing to do: everything that can be adopted was adopted before.")


def _say_more(many: int) -> None:
    if many > _SHOWN:
        say(f"… and {many - _SHOWN} more; --json has all.")


def _ranges(missing: tuple[tuple[int, int], ...]) -> str:
    told = [str(first) if first == last else f"{first}–{last}" for first, last in missing]
    more = f" and {len(told) - 10} more ranges" if len(told) > 10 else ""
    return ", ".join(told[:10]) + more


@contextmanager
def _shown() -> Iterator[Callable[[str, int, int | None], None]]:
    """On a terminal, a line that says what is being done."""
    if not err.is_terminal:
        yield lambda what, done, of: None
        return
    with err.status("…") as status:
        yield lambda what, done, of: status.update(
            f"{what}: {done}" if of is None else f"{what}: {done} of {of}"
        )
