"""Every command, the options all of them have, and how each way of ending becomes an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from safelight import __version__
from safelight.cli import (
    adopt,
    audit,
    backends,
    backing,
    batches,
    characters,
    demo,
    erase,
    generate,
    keys,
    operating,
    publishers,
    simulate,
    webhooks,
    workflows,
)
from safelight.cli.session import (
    AWAY,
    BAD_USAGE,
    BROKEN,
    INTERRUPTED,
    TERMINATED,
    Config,
    Failure,
    Json,
    Session,
    Terminated,
)
from safelight.cli.terminal import complain
from safelight.core.errors import Refusal, SafelightError, SettingsError

app = typer.Typer(
    name="safelight",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """The console script."""
    code = run()
    try:
        sys.stdout.flush()
    except OSError as error:
        code = code or _unwritten(error)
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """One command line; returns the exit code."""
    try:
        return int(app(arguments, prog_name="safelight", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _misused(error)
    except Failure as failure:
        complain(failure.message, failure.advice)
        return failure.code
    except (SettingsError, Refusal) as error:
        complain(error.detail)
        return BAD_USAGE
    except SafelightError as error:
        complain(error.detail, "`safelight doctor` says what is missing")
        return AWAY
    except KeyboardInterrupt:
        return INTERRUPTED
    except Terminated:
        return TERMINATED
    except OSError as error:
        return _unwritten(error)


def _unwritten(error: OSError) -> int:
    """What was printed cannot be written. Whoever has stopped reading is not told."""
    if not isinstance(error, BrokenPipeError):
        complain(str(error))
    # Else Python would try again at its end, and complain in its own words.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return BROKEN


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"safelight {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    config: Config = None,
    json: Json = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Ask for N images of a character, get exactly N different ones."""
    ctx.obj = Session(config, json)


for commands in (
    demo,
    simulate,
    generate,
    batches,
    characters,
    workflows,
    backends,
    publishers,
    webhooks,
    keys,
    operating,
    backing,
    audit,
    erase,
    adopt,
):
    commands.register(app)


def _misused(error: typer.TyperException) -> int:
    """Who typed only the name of a group has just been shown its help: nothing to add."""
    message = error.format_message()
    context: Any = getattr(error, "ctx", None)
    if message:
        where = context.command_path if context else "safelight"
        complain(message, f"`{where} --help` shows what is possible")
    return BAD_USAGE
