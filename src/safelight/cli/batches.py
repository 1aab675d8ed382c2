"""`batches`: what was ordered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from safelight.cli.generate import see_through
from safelight.cli.reach import reached
from safelight.cli.report import Out, bring, folder_for_pictures, tell
from safelight.cli.session import BROKEN, KEPT, ORDER, Failure, Session, command
from safelight.cli.terminal import STYLES, complain, emit, say, show, suggest, when

if TYPE_CHECKING:
    from safelight.client import AsyncBatch, AsyncClient

CONFLICT: Final = 409  # it cannot be done, however it is asked

Id = Annotated[str, typer.Argument(metavar="ID", help="Of the batch.", show_default=False)]
Some: TypeAlias = Annotated[
    list[int] | None,
    typer.Option("--image", metavar="INDEX", help="This image only; repeatable."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What was ordered.", no_args_is_help=True)
    command(group, "ls")(ls)
    command(group, "show")(show_one)
    command(group, "watch")(watch)
    command(group, "cancel")(cancel)
    command(group, "retry")(retry)
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


async def cancel(session: Session, id: Id, image: Some = None) -> int:
    """Cancel what is unfinished of a batch, or some of its images.

    Stored images stay. One that is at a backend is canceled when the backend has let go of it,
    which may take a moment; if it is whole before, it is kept.
    """
    async with reached(session, worker=False) as reach:
        client = reach.client
        refused = await _ask(client, id, image, client.cancel, client.cancel_image)
        batch = await client.batch(id)
    _tell(session, batch)
    away = sum(one.status == "dispatched" for one in batch.images)
    if away and not image:
        suggest(f"{away} at a backend, until it has let go; this shows it:", _watch(batch))
    return _judge(refused)


async def retry(session: Session, id: Id, image: Some = None) -> int:
    """Try the failed images of a batch again, or some of them: same indices, new seeds."""
    async with reached(session, worker=False) as reach:
        client = reach.client
        refused = await _ask(client, id, image, client.retry, client.retry_image)
        batch = await client.batch(id)
    _tell(session, batch)
    if not batch.ended:
        suggest("In line again; this shows it:", _watch(batch))
    return _judge(refused)


async def _ask(
    client: AsyncClient,
    id: str,
    indices: Sequence[int] | None,
    all_of: Callable[[str], Awaitable[object]],
    one_of: Callable[[str], Awaitable[object]],
) -> list[str]:
    """What could not be done and why; whatever can be is done."""
    if not indices:
        return await _refused("", all_of(id))
    batch = await client.batch(id)
    ids = {image.index: image.id for image in batch.images}
    for index in indices:
        if index not in ids:
            there = f"it has {', '.join(map(str, reversed(batch.indices)))}"
            raise Failure(f"--image {index}: batch {id} has no such image", there)
    refused: list[str] = []
    for index in sorted(set(indices)):
        refused += await _refused(f"image {index}: ", one_of(ids[index]))
    return refused


async def _refused(what: str, asking: Awaitable[object]) -> list[str]:
    from safelight.client import ProblemError

    try:
        await asking
    except ProblemError as error:
        if error.status != CONFLICT:
            raise
        return [f"{what}{error.detail}"]
    return []


def _tell(session: Session, batch: AsyncBatch) -> None:
    if session.json:
        emit(batch.raw)
        return
    rows = [[image.index, image.name, image.status] for image in batch.images]
    show(["index", "name", "status"], rows, right="index")
    say(f"batch {batch.id}  {batch.status}", STYLES.get(batch.status, ""))


def _judge(refused: Sequence[str]) -> int:
    if refused:
        complain("\n".join(refused))
        return BROKEN
    return KEPT


def _watch(batch: AsyncBatch) -> str:
    return f"safelight batches watch {batch.id}"


def _row(batch: AsyncBatch) -> list[Any]:
    stored = sum(image.status == "stored" for image in batch.images)
    whole = stored == batch.quantity
    first, last = batch.indices[-1], batch.indices[0]
    return [
        batch.id,
        f"{batch.user}/{batch.character}",
        str(last) if first == last else f"{first}–{last}",
        batch.status if whole else f"{batch.status} {stored}/{batch.quantity}",
        when(datetime.fromisoformat(batch.created_at), datetime.now().astimezone()),
    ]
