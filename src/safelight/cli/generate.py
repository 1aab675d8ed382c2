"""`generate`: order a batch and stay until it is over."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from safelight.cli import workflows
from safelight.cli.drawing import UNSAID, Drawing, drawing
from safelight.cli.reach import Reached, reached
from safelight.cli.report import Out, bring, folder_for_pictures, tell
from safelight.cli.session import KEPT, ORDER, Failure, Session, command, last_words
from safelight.cli.terminal import emit, part, suggest

if TYPE_CHECKING:
    from safelight.client import AsyncBatch


TOGETHER: Final = "order with --no-wait, then `safelight batches watch ID --out DIR`"


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "generate", ORDER)(generate)


async def generate(
    session: Session,
    character: Annotated[str, typer.Argument(help="Id of the character.", show_default=False)],
    user: Annotated[
        str, typer.Option("--user", "-u", help="Whose series they belong to.", show_default=False)
    ],
    quantity: Annotated[int, typer.Option("--quantity", "-n", help="How many images.")] = 1,
    prompt: Annotated[
        str, typer.Option("--prompt", "-p", help="Added to the character's.", show_default=False)
    ] = "",
    out: Out = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Order and do not stay.")] = False,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key: the same one gives the same batch.")
    ] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Kept with the batch; repeatable.")
    ] = None,
    workflow: Annotated[
        str | None, drawing("--workflow", "Its id, or a graph in API format.", metavar="ID|PATH")
    ] = None,
    seed: Annotated[
        int | None, drawing("--seed", "Of the lowest index; the next index has the next seed.")
    ] = None,
    deadline: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS", help="What is not drawn by then fails.", show_default=False
        ),
    ] = None,
    how: Drawing = UNSAID,
) -> int:
    """Order images of a character and stay until they are there.

    Talks to the server that runs (SAFELIGHT_URL, or where the settings say). Without one everything
    runs inside this command and stops with it; what is not drawn by then goes on next time.
    """
    if out and no_wait:
        raise Failure("--out needs the pictures, --no-wait does not wait for them", TOGETHER)
    file = _as_file(workflow)
    said = {
        "seed": seed,
        "workflow": workflows.workflow_id(file) if file else workflow,
        "metadata": parse_metadata(metadata) if metadata else None,
        "deadline": deadline,
    }
    fields = how.said() | {name: value for name, value in said.items() if value is not None}
    order = {"user": user, "prompt": prompt, "quantity": quantity, **fields}
    graph = workflows.usable(file) if file else None
    folder_for_pictures(out)
    async with reached(session, worker=not no_wait) as reach:
        if file and graph:
            await workflows.keep(reach.client, file, graph)
        batch = await _ordered(reach, character, order, key or str(uuid.uuid4()))
        if no_wait:
            return _left_alone(session, reach, batch)
        return await see_through(session, reach, batch, out)


async def see_through(session: Session, reach: Reached, batch: AsyncBatch, out: Path | None) -> int:
    """Show a batch until it has ended, bring its pictures, tell what became of it."""
    from safelight.cli.board import follow

    with last_words(lambda: part(f"Stopped. {_goes_on(reach)}", _watch(batch))):
        ended = await follow(reach.client, batch)
        files = await bring(reach.client, ended, out)
    code = await tell(reach.client, ended, files, json=session.json)
    if reach.embedded and not files:
        suggest("This brings the pictures:", f"safelight batches show {batch.id} --out DIR")
    return code


def parse_metadata(pairs: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE`, each key once.

    Example:
        >>> parse_metadata(["campaign=spring", "note=a=b"])
        {'campaign': 'spring', 'note': 'a=b'}
    """
    metadata: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise Failure(f"--metadata {pair}: expected KEY=VALUE")
        if name in metadata:
            raise Failure(f"--metadata {name}: given twice")
        metadata[name] = value
    return metadata


def _as_file(workflow: str | None) -> Path | None:
    """An id has neither a slash nor a dot."""
    return Path(workflow) if workflow and ("/" in workflow or "." in workflow) else None


async def _ordered(reach: Reached, character: str, order: dict[str, Any], key: str) -> AsyncBatch:
    words = "Stopped before the order was confirmed. With this option it is still one batch:"
    with last_words(lambda: part(words, f"--key {key}")):
        return await reach.client.order(character, idempotency_key=key, **order)


def _left_alone(session: Session, reach: Reached, batch: AsyncBatch) -> int:
    if session.json:
        emit(batch.raw)
    else:
        print(batch.id)
    suggest(f"Ordered. {_goes_on(reach)}", _watch(batch))
    return KEPT


def _goes_on(reach: Reached) -> str:
    if reach.embedded:
        return "Nothing is lost; this goes on with it:"
    return "The server goes on drawing; this shows it:"


def _watch(batch: AsyncBatch) -> str:
    return f"safelight batches watch {batch.id}"
