"""`publishers`: where copies of the images go, and trying again what has failed there."""

from __future__ import annotations

from typing import Annotated

import typer

from safelight.cli.reach import reached
from safelight.cli.session import KEPT, OPERATE, Failure, Session, command
from safelight.cli.terminal import emit, say, show

Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="As `publishers ls` shows it.", show_default=False),
]
BatchId = Annotated[str | None, typer.Option("--batch", help="Only the copies of this batch.")]
ImageId = Annotated[str | None, typer.Option("--image", help="Only the copies of this image.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    publishers = typer.Typer(help="Where copies of the images go.", no_args_is_help=True)
    command(publishers, "ls")(ls)
    command(publishers, "retry")(retry)
    app.add_typer(publishers, name="publishers", rich_help_panel=OPERATE)


async def ls(session: Session) -> int:
    """List the publishers and how their copies are."""
    async with reached(session, worker=False) as reach:
        publishers = await reach.client.publishers()
    if session.json:
        emit(publishers)
        return KEPT
    rows = [
        [
            each["name"],
            str(each["uploaded"]),
            str(each["pending"]),
            str(each["failed"]),
            (each["reason"] or "") if each["configured"] else "not in the settings",
        ]
        for each in publishers
    ]
    show(["publisher", "uploaded", "pending", "failed", "reason"], rows)
    return KEPT


async def retry(
    session: Session, name: Name = None, batch: BatchId = None, image: ImageId = None
) -> int:
    """Try failed copies again: all of a publisher, or those of a batch or an image."""
    if sum(what is not None for what in (name, batch, image)) != 1:
        raise Failure("Which copies?", "name a publisher, or --batch ID, or --image ID")
    async with reached(session, worker=False) as reach:
        if name is not None:
            answer = await reach.client.retry_publisher(name)
            told = f"{answer['asked']} copies are tried again at {name}."
        elif batch is not None:
            answer = (await reach.client.retry_publications(batch)).raw
            told = "Failed copies of the batch are tried again."
        else:
            answer = (await reach.client.retry_image_publications(str(image))).raw
            told = "Failed copies of the image are tried again."
    if session.json:
        emit(answer)
    say(told)
    return KEPT
