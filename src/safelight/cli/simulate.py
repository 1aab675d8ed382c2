"""`simulate`: ComfyUI servers to practise on, without a GPU. Reads no settings."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from safelight.cli.session import INTERRUPTED, KEPT, PRACTISE, Failure


class Models(StrEnum):
    """Which model names a simulated server takes."""

    LISTED = "listed"
    ANY = "any"


def register(app: typer.Typer) -> None:
    """Add the command. It is no session's: nothing of it depends on settings."""
    app.command("simulate", rich_help_panel=PRACTISE)(simulate)


def simulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the first server; 0 takes free ones.")] = 8188,
    count: Annotated[int, typer.Option(help="How many servers, on following ports.")] = 1,
    seconds: Annotated[float, typer.Option(help="How long one picture takes.")] = 2.0,
    steps: Annotated[int, typer.Option(help="Progress steps of one picture.")] = 20,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:PROBABILITY", help='What goes wrong, "oom:0.1"; repeatable.'),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="One output folder for all; left out: one for each."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the dice that decide on faults.")] = None,
    models: Annotated[
        Models, typer.Option(metavar="listed|any", help="Which model names are taken.")
    ] = Models.LISTED,
    lab: Annotated[bool, typer.Option("--lab", help="Know the Lab nodes, too.")] = False,
) -> None:
    """Run ComfyUI servers to practise on.

    They paint without a GPU, in the time you say and with the faults you want, until Ctrl-C.

    Faults: drop-websocket, deaf-websocket, slow, lose-history, restart, zombie, oom, truncate,
    cached-duplicate, reject, refuse. GET /simulator/renderings and /simulator/faults tell what
    happened.
    """
    from safelight.settings import home
    from safelight.simulator.main import Options, run

    try:
        options = Options(
            home=home(),
            host=host,
            port=port,
            count=count,
            seconds=seconds,
            steps=steps,
            faults=parse_faults(fault or []),
            output=output,
            seed=seed,
            lab=lab,
            models_any=models is Models.ANY,
        )
    except ValueError as error:
        raise Failure(str(error)) from None
    code = run(options)
    raise typer.Exit(INTERRUPTED if code == KEPT else code)


def parse_faults(texts: Sequence[str]) -> dict[str, float]:
    """`NAME:PROBABILITY`, each name once.

    Example:
        >>> parse_faults(["oom:0.25"])
        {'oom': 0.25}
    """
    faults: dict[str, float] = {}
    for text in texts:
        name, _, probability = text.partition(":")
        if name in faults:
            raise Failure(f"--fault {name}: given twice")
        try:
            faults[name] = float(probability)
        except ValueError:
            raise Failure(f"--fault {text}: expected NAME:PROBABILITY, like oom:0.1") from None
    return faults
