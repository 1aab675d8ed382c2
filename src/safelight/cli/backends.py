"""`backends`: how the render servers are, and letting one rest for maintenance."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from safelight.cli.reach import reached
from safelight.cli.session import KEPT, OPERATE, Session, command
from safelight.cli.terminal import emit, say, show

if TYPE_CHECKING:
    from safelight.settings import Settings

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="As `backends ls` shows it.", show_default=False)
]
_LOOK_EVERY: Final = 0.5  # s


def register(app: typer.Typer) -> None:
    """Add the commands."""
    backends = typer.Typer(help="The render servers.", no_args_is_help=True)
    command(backends, "ls")(ls)
    command(backends, "drain")(drain)
    command(backends, "resume")(resume)
    app.add_typer(backends, name="backends", rich_help_panel=OPERATE)


async def ls(session: Session) -> int:
    """List the render servers and how they are."""
    async with reached(session, worker=False) as reach:
        backends = await reach.client.backends()
    if reach.embedded:
        backends += _never_driven(session.settings(), {each["name"] for each in backends})
    if session.json:
        emit(backends)
        return KEPT
    rows = [
        [
            each["name"],
            each["url"],
            each["pool"],
            each["state"],
            f"{each['running']} of {each['slots']}",
            each["reason"] or _sharing(each),
        ]
        for each in backends
    ]
    show(["backend", "url", "pool", "state", "slots", "reason"], rows)
    if reach.embedded:
        say("No server runs, so this is the last that was known; `safelight doctor` asks them now.")
    return KEPT


async def drain(
    session: Session,
    name: Name,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return when nothing of ours runs there any more.")
    ] = False,
) -> int:
    """Let a backend end what it has and take nothing more, until it is resumed."""
    import asyncio

    async with reached(session, worker=False) as reach:
        backend = await reach.client.drain(name)
        while wait and backend["running"]:
            say(f"{name}: {backend['running']} still to end")
            await asyncio.sleep(_LOOK_EVERY)
            found = {each["name"]: each for each in await reach.client.backends()}
            backend = found[name]
    if session.json:
        emit(backend)
    say(f"{name} drains: {backend['reason']}")
    return KEPT


async def resume(session: Session, name: Name) -> int:
    """Let a backend take images again; a stuck one is believed again."""
    async with reached(session, worker=False) as reach:
        backend = await reach.client.resume(name)
    if session.json:
        emit(backend)
    say(f"{name} takes images again.")
    return KEPT


def _sharing(backend: Mapping[str, Any]) -> str:
    names = ", ".join(backend["shares_output_with"])
    return f"writes to one folder with {names}" if names else ""


def _never_driven(settings: Settings, known: Set[str]) -> list[dict[str, Any]]:
    """Backends of the settings that no worker has written into the database yet."""
    return [
        {
            "name": backend.name,
            "url": backend.url,
            "pool": backend.pool,
            "slots": backend.slots,
            "state": "unknown",
            "reason": "no worker has driven it yet",
            "worker": None,
            "running": 0,
            "ghosts": 0,
            "seen_at": None,
            "until": None,
            "shares_output_with": [],
            "drawing": [],
            "seconds_per_image": None,
        }
        for backend in settings.backends
        if backend.name not in known
    ]
