"""`webhooks`: who is told of what happens, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import typer

from safelight.cli.reach import reached
from safelight.cli.session import KEPT, OPERATE, Session, command
from safelight.cli.terminal import emit, say, show, suggest

Id: TypeAlias = Annotated[
    str, typer.Argument(metavar="ID", help="As `webhooks ls` shows it.", show_default=False)
]
OrBatch: TypeAlias = Annotated[
    bool, typer.Option("--batch", help="ID is that of a batch: what its own webhook was told.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    webhooks = typer.Typer(help="Who is told of what happens.", no_args_is_help=True)
    command(webhooks, "ls")(ls)
    command(webhooks, "add")(add)
    command(webhooks, "rm")(rm)
    command(webhooks, "rotate")(rotate)
    command(webhooks, "deliveries")(deliveries)
    command(webhooks, "redeliver")(redeliver)
    app.add_typer(webhooks, name="webhooks", rich_help_panel=OPERATE)


async def ls(session: Session) -> int:
    """List who is told of all batches."""
    async with reached(session, worker=False) as reach:
        webhooks = await reach.client.webhooks()
    if session.json:
        emit(webhooks)
        return KEPT
    rows = [
        [each["id"], each["url"], ", ".join(each["events"]), each["status"], each["reason"]]
        for each in webhooks
    ]
    show(["webhook", "url", "events", "status", "reason"], rows)
    return KEPT


async def add(
    session: Session,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="https://…, where to send.", show_default=False)
    ],
    event: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            metavar="NAME",
            help="Tell of this, image.stored; repeatable. Left out: every end of a batch.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Have somebody told of all batches from now on; the secret is shown this once."""
    fields = {"events": event} if event else {}
    async with reached(session, worker=False) as reach:
        webhook = await reach.client.add_webhook(url, **fields)
    _show_secret(session, webhook, f"Webhook {webhook['id']} is told from now on.")
    return KEPT


async def rm(session: Session, id: Id) -> int:
    """Have somebody told no more, not even what waits."""
    async with reached(session, worker=False) as reach:
        await reach.client.remove_webhook(id)
    if session.json:
        emit({"id": id})
    say(f"Webhook {id} is told no more.")
    return KEPT


async def rotate(session: Session, id: Id) -> int:
    """Give a webhook a new secret, shown this once; the one before signs too for 24 hours."""
    async with reached(session, worker=False) as reach:
        webhook = await reach.client.rotate_webhook(id)
    told = f"The secret before signs too until {webhook['old_secret_until']}."
    _show_secret(session, webhook, told)
    return KEPT


async def deliveries(
    session: Session,
    id: Id,
    batch: OrBatch = False,
    status: Annotated[
        str | None, typer.Option(help="Only those that are pending, delivered or dead.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many at most.")] = 20,
) -> int:
    """List what a webhook was told, newest first."""
    async with reached(session, worker=False) as reach:
        found = await reach.client.deliveries(id, of_batch=batch, status=status, limit=limit)
    if session.json:
        emit(found)
        return KEPT
    headings = ["delivery", "event", "batch", "status", "tries", "http", "reason", "next try"]
    show(headings, [_row(each) for each in found], right="tries http")
    if any(each["status"] == "dead" for each in found):
        flag = " --batch" if batch else ""
        suggest("What is dead can be sent again:", f"safelight webhooks redeliver {id} ID{flag}")
    return KEPT


async def redeliver(
    session: Session,
    id: Id,
    delivery: Annotated[
        str,
        typer.Argument(
            metavar="DELIVERY", help="As `webhooks deliveries` shows it.", show_default=False
        ),
    ],
    batch: OrBatch = False,
) -> int:
    """Tell it again, under the same id of the message."""
    async with reached(session, worker=False) as reach:
        found = await reach.client.redeliver(id, delivery, of_batch=batch)
    if session.json:
        emit(found)
    say(f"{found['type']} of batch {found['batch']} is sent again.")
    return KEPT


def _show_secret(session: Session, webhook: Mapping[str, Any], told: str) -> None:
    if session.json:
        emit(webhook)
    else:
        print(webhook["secret"])
    say(told)


def _row(each: Mapping[str, Any]) -> list[object]:
    return [
        each["id"],
        each["type"],
        each["batch"],
        each["status"],
        each["tries"],
        each["http_status"],
        each["reason"],
        each["next_try_at"],
    ]
