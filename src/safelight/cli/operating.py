"""What an operator runs: `serve`, `work`, `migrate`, `doctor`, `backends`, `config`."""

from __future__ import annotations

import logging
import signal
import tomllib
from collections.abc import Set
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from safelight.cli.reach import reached
from safelight.cli.session import BROKEN, INTERRUPTED, KEPT, OPERATE, Session, command
from safelight.cli.terminal import emit, say, show

if TYPE_CHECKING:
    from safelight.assembly import Check
    from safelight.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "serve", OPERATE)(serve)
    command(app, "work", OPERATE)(work)
    backends = typer.Typer(help="The render servers.", no_args_is_help=True)
    command(backends, "ls")(list_backends)
    app.add_typer(backends, name="backends", rich_help_panel=OPERATE)
    command(app, "migrate", OPERATE)(migrate)
    command(app, "doctor", OPERATE)(doctor)
    config = typer.Typer(help="The settings.", no_args_is_help=True)
    command(config, "show")(show_config)
    app.add_typer(config, name="config", rich_help_panel=OPERATE)


async def serve(
    session: Session,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Only answer; `safelight work` elsewhere draws.")
    ] = False,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on instead of the settings'.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port instead of the settings'; 0 takes a free one.")
    ] = None,
) -> int:
    """Answer requests and draw what was ordered, until Ctrl-C."""
    from safelight import assembly
    from safelight.cli.logs import log_to_stderr

    settings = session.settings({"server.host": host, "server.port": port})
    log_to_stderr(logging.INFO)

    def announce(url: str) -> None:
        say(f"Safelight listens on {url}")
        if session.json:
            emit({"url": url})

    return _ended(await assembly.serve(settings, worker=not no_worker, announce=announce))


async def work(session: Session) -> int:
    """Draw what was ordered; any number may run.

    Opens no port.
    """
    from safelight import assembly
    from safelight.cli.logs import log_to_stderr

    log_to_stderr(logging.INFO)

    def announce(names: str) -> None:
        say(f"Safelight works for {names}")
        if session.json:
            emit({"backends": names.split(", ")})

    return _ended(await assembly.work(session.settings(), announce=announce))


def _ended(number: int) -> int:
    """SIGTERM is how a supervisor stops it, and no failure."""
    return INTERRUPTED if number == signal.SIGINT else KEPT


async def migrate(session: Session) -> int:
    """Bring the database to this version.

    `serve` and `work` do the same when they start.
    """
    from safelight import assembly
    from safelight.cli.logs import log_to_stderr

    log_to_stderr()
    applied = await assembly.migrate(session.settings())
    if session.json:
        emit(applied)
        return KEPT
    for name in applied:
        print(name)
    say(f"{len(applied)} applied." if applied else "Nothing to do.")
    return KEPT


async def doctor(session: Session) -> int:
    """Look whether everything is there, and say what to do if not."""
    from safelight import assembly
    from safelight.cli.logs import log_to_stderr

    log_to_stderr()
    checks = await assembly.doctor(session.settings())
    if session.json:
        emit([asdict(check) for check in checks])
    else:
        show(["check", "state", "detail"], [_row(check) for check in checks])
    for check in checks:
        if not check.ok and check.advice:
            say(f"{check.name}: {check.advice}", "yellow")
    return KEPT if all(check.ok for check in checks) else BROKEN


async def list_backends(session: Session) -> int:
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
            each["reason"],
        ]
        for each in backends
    ]
    show(["backend", "url", "pool", "state", "slots", "reason"], rows)
    if reach.embedded:
        say("No server runs, so this is the last that was known; `safelight doctor` asks them now.")
    return KEPT


async def show_config(session: Session) -> int:
    """Print the settings in force as safelight.toml; secrets are hidden."""
    from safelight.settings import show as text

    toml = text(session.settings())
    if session.json:
        emit(tomllib.loads(toml))
    else:
        print(toml, end="")
    return KEPT


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
            "seen_at": None,
        }
        for backend in settings.backends
        if backend.name not in known
    ]


def _row(check: Check) -> list[str]:
    return [check.name, "ok" if check.ok else "failed", check.detail]
