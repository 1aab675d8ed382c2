"""`batches`: what was ordered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from safelight.cli.generate import see_through
from safelight.cli.reach import reached
from safelight.cli.report import Out, bring, folder_for_pictures, tell
from safelight.cli.session import KEPT, ORDER, Session, command
from safelight.cli.terminal import emit, show, suggest

if TYPE_CHECKING:
    from safelight.client import Batch

Id = Annotated[str, typer.Argument(metavar="ID", help="Of the batch.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What was ordered.", no_args_is_help=True)
    command(group, "ls")(ls)
    command(group, "show")(show_one)
    command(group, "watch")(watch)
    app.add_typer(group, name="batches", rich_help_panel=ORDER)


async def ls(
    session: Session,
    user: Annotated[str | None, typer.Option("--user", "-u", help="Of this user only.")] = None,
    character: Annotated[str | None, typer.Option(help="Of this character only.")] = None,
    status: Annotated[str | None, typer.Option(help="In this state only.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many at most.")] = 20,
    cursor: Annotated[
        str | None, typer.Option(help="Where the list before this one ended.")
    ] = None,
) -> int:
    """List batches, newest first."""
    async with reached(session, worker=False) as reach:
        page = await reach.client.batches(
            user=user, character=character, status=status, limit=limit, cursor=cursor
        )
    if session.json:
        data = [batch.raw for batch in page.data]
        emit({"data": data, "next_cursor": page.next_cursor, "has_more": page.has_more})
        return KEPT
    headings = ["batch", "series", "indices", "status", "ordered"]
    show(headings, [_row(batch) for batch in page.data], right="indices")
    if page.has_more:
        suggest("There are more:", f"safelight batches ls --cursor {page.next_cursor}")
    return KEPT


async def show_one(session: Session, id: Id, out: Out = None) -> int:
    """Show a batch as it is now."""
    folder_for_pictures(out)
    async with reached(session, worker=False) as reach:
        batch = await reach.client.batch(id)
        files = await bring(reach.client, batch, out)
        await tell(reach.client, batch, files, json=session.json)
    return KEPT


async def watch(session: Session, id: Id, out: Out = None) -> int:
    """Stay with a batch until it is over, as `generate` does."""
    folder_for_pictures(out)
    async with reached(session, worker=True) as reach:
        return await see_through(session, reach, await reach.client.batch(id), out)


def _row(batch: Batch) -> list[Any]:
    stored = sum(image.status == "stored" for image in batch.images)
    whole = stored == batch.quantity
    first, last = batch.indices[-1], batch.indices[0]
    return [
        batch.id,
        f"{batch.user}/{batch.character}",
        str(last) if first == last else f"{first}–{last}",
        batch.status if whole else f"{batch.status} {stored}/{batch.quantity}",
        _when(datetime.fromisoformat(batch.created_at).astimezone(), datetime.now().astimezone()),
    ]


def _when(at: datetime, now: datetime) -> str:
    """As short as it is clear.

    Example:
        >>> _when(datetime(2026, 5, 4, 9, 30), datetime(2026, 5, 4, 20, 0))
        '09:30'
    """
    if at.date() == now.date():
        return at.strftime("%H:%M")
    return at.strftime("%d %b" if at.year == now.year else "%Y-%m-%d")
