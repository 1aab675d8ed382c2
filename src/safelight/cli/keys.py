"""`keys`: who may ask, and for what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from safelight.cli.session import KEPT, OPERATE, Failure, Session, command
from safelight.cli.terminal import emit, out, say, show, when

if TYPE_CHECKING:
    from safelight.assembly import ApiKey, KeyMaker


def register(app: typer.Typer) -> None:
    """Add the commands."""
    keys = typer.Typer(help="Who may ask, and for what.", no_args_is_help=True)
    command(keys, "create")(create)
    command(keys, "ls")(ls)
    command(keys, "revoke")(revoke)
    command(keys, "rotate-links")(rotate_links)
    app.add_typer(keys, name="keys", rich_help_panel=OPERATE)


async def create(
    session: Session,
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="admin, user:ID, user:*, character:ID or character:*; repeatable.",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Option("--name", help="What it is for, for people.")] = "",
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help='Good for so long, "90d"; else for ever.'),
    ] = None,
    batches_per_minute: Annotated[
        int | None, typer.Option("--batches-per-minute", help="Instead of the settings' limit.")
    ] = None,
    images_per_day: Annotated[
        int | None, typer.Option("--images-per-day", help="Instead of the settings' limit.")
    ] = None,
) -> int:
    """Make a key; it is shown this once. From the first key on nobody is answered without one."""
    from safelight import assembly

    allowance = assembly.Allowance(batches_per_minute, images_per_day)
    good_for = None if expires is None else _seconds(expires)
    async with _making(session) as maker:
        first = not await maker.keys()
        kept, text = await maker.create(scope, name=name, good_for=good_for, allowance=allowance)
    if session.json:
        emit({**_json(kept), "key": text})
        return KEPT
    say(f"Key {kept.id}: {', '.join(kept.scopes)}. It is shown this once; keep it safe.")
    out.print(text, highlight=False, soft_wrap=True)
    if first:
        say("From now on every request needs a key. For the commands: export SAFELIGHT_KEY=…")
    return KEPT


async def ls(session: Session) -> int:
    """List the keys there are and were."""
    async with _making(session) as maker:
        keys = await maker.keys()
    if session.json:
        emit([_json(each) for each in keys])
        return KEPT
    now = datetime.now().astimezone()
    rows = [
        [
            *(each.id, each.name, ", ".join(each.scopes), _state(each)),
            *(at and when(at, now) for at in (each.created_at, each.last_used_at)),
        ]
        for each in keys
    ]
    show(["key", "name", "scopes", "state", "created", "last used"], rows)
    return KEPT


async def revoke(
    session: Session,
    id: Annotated[
        str, typer.Argument(metavar="ID", help="As `keys ls` shows it.", show_default=False)
    ],
) -> int:
    """Believe a key no more; it holds everywhere when this returns."""
    async with _making(session) as maker:
        gone = await maker.revoke(id)
    if session.json:
        emit(_json(gone))
    else:
        say(f"Key {gone.id} is revoked.")
    return KEPT


async def rotate_links(session: Session) -> int:
    """Refuse all signed links and sessions given out so far; it holds everywhere when this returns.

    New ones are signed with a new key. API keys stay as they are.
    """
    async with _making(session) as maker:
        id = await maker.rotate_links()
    if session.json:
        emit({"id": id})
    else:
        say("Links and sessions given out so far are refused.")
    return KEPT


@asynccontextmanager
async def _making(session: Session) -> AsyncIterator[KeyMaker]:
    from safelight import assembly
    from safelight.cli.logs import log_warnings

    log_warnings(session.settings())
    async with assembly.making_keys(session.settings()) as maker:
        yield maker


def _seconds(text: str) -> float:
    from safelight.settings import duration

    try:
        return float(str(duration(text)))
    except ValueError as error:
        raise Failure(f"--expires: {error}") from None


def _state(key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= datetime.now(UTC) else "good"


def _json(key: ApiKey) -> dict[str, Any]:
    def moment(at: Any) -> str | None:
        return at.isoformat() if at else None

    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "state": _state(key),
        "created_at": moment(key.created_at),
        "expires_at": moment(key.expires_at),
        "revoked_at": moment(key.revoked_at),
        "last_used_at": moment(key.last_used_at),
        "batches_per_minute": key.allowance.batches_per_minute,
        "images_per_day": key.allowance.images_per_day,
    }
