"""What an operator runs: `serve`, `work`, `migrate`, `doctor`, `config`."""

from __future__ import annotations

import signal
import tomllib
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from safelight.cli.session import BROKEN, INTERRUPTED, KEPT, OPERATE, Session, command
from safelight.cli.terminal import emit, say, show

if TYPE_CHECKING:
    from safelight.assembly import Check


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "serve", OPERATE)(serve)
    command(app, "work", OPERATE)(work)
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
    from safelight.cli.logs import log_as

    settings = session.settings({"server.host": host, "server.port": port})
    log_as(settings)

    def announce(url: str) -> None:
        say(f"Safelight listens on {url}")
        if session.json:
            emit({"url": url})

    return _ended(await assembly.serve(settings, worker=not no_worker, announce=announce))


async def work(
    session: Session,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65_535, help="Show metrics on this port, at /metrics; 0 takes a free one."
        ),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option(help="Address for that; whoever reaches it can read them.")
    ] = "127.0.0.1",
) -> int:
    """Draw what was ordered; any number may run.

    Opens no port, unless told to show metrics.
    """
    from safelight import assembly
    from safelight.cli.logs import log_as

    settings = session.settings()
    log_as(settings)
    if metrics_port is None and metrics_host != "127.0.0.1":
        raise typer.BadParameter("--metrics-host needs --metrics-port")

    def announce(names: str, metrics: str | None) -> None:
        say(f"Safelight works for {names}")
        if metrics:
            say(f"Metrics are at {metrics}")
        if session.json:
            emit({"backends": names.split(", "), "metrics": metrics})

    where = None if metrics_port is None else (metrics_host, metrics_port)
    return _ended(await assembly.work(settings, announce=announce, metrics=where))


def _ended(number: int) -> int:
    """SIGTERM is how a supervisor stops it, and no failure."""
    return INTERRUPTED if number == signal.SIGINT else KEPT


async def migrate(session: Session) -> int:
    """Bring the database to this version.

    `serve` and `work` do the same when they start.
    """
    from safelight import assembly
    from safelight.cli.logs import log_warnings

    log_warnings(session.settings())
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
    from safelight.cli.logs import log_warnings

    log_warnings(session.settings())
    checks = await assembly.doctor(session.settings())
    if session.json:
        emit([asdict(check) for check in checks])
    else:
        show(["check", "state", "detail"], [_row(check) for check in checks])
    for check in checks:
        if not check.ok and check.advice:
            say(f"{check.name}: {check.advice}", "yellow")
    return KEPT if all(check.ok for check in checks) else BROKEN


async def show_config(session: Session) -> int:
    """Print the settings in force as safelight.toml; secrets are hidden."""
    from safelight.settings import show as text

    toml = text(session.settings())
    if session.json:
        emit(tomllib.loads(toml))
    else:
        print(toml, end="")
    return KEPT


def _row(check: Check) -> list[str]:
    return [check.name, "ok" if check.ok else "failed", check.detail]
