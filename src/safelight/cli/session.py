"""What a command is given, and how it is run."""

from __future__ import annotations

import inspect
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, get_type_hints

import typer

if TYPE_CHECKING:
    from safelight.settings import Settings

KEPT: Final = 0  # everything asked for was kept
BROKEN: Final = 1  # a batch ended otherwise than completed, or a check found something
BAD_USAGE: Final = 2
AWAY: Final = 3  # no server or database
INTERRUPTED: Final = 130
TERMINATED: Final = 143

# How `--help` groups the commands.
PRACTISE: Final = "Practise"
ORDER: Final = "Order"
DEFINE: Final = "Say what is drawn"
OPERATE: Final = "Operate"

Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file instead of ./safelight.toml.",
        dir_okay=False,
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Command: TypeAlias = Callable[..., Coroutine[Any, Any, int]]


class Failure(Exception):
    """The command cannot go on: one line why, one what to do next, and the exit code."""

    def __init__(self, message: str, advice: str = "", code: int = BAD_USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.code = code


def refused(detail: str, faults: Sequence[tuple[str, str]], code: int = BAD_USAGE) -> Failure:
    """A failure that names every wrong field, given as pairs of JSON pointer and detail.

    Example:
        >>> refused("no", [("/user", "too long"), ("/width", "too small")]).advice
        'width: too small'
    """
    lines = [f"{pointer.lstrip('/')}: {why}" if pointer else why for pointer, why in faults]
    message, *others = lines or [detail]
    return Failure(message, "\n".join(others), code)


class Terminated(Exception):
    """SIGTERM came, and everything was put in order."""


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the command line."""

    config: Path | None = None
    json: bool = False

    def settings(self, flags: dict[str, Any] | None = None) -> Settings:
        """What is in force; flags by dotted name."""
        from safelight.settings import load

        return load(self.config, flags)


def command(app: typer.Typer, name: str, panel: str | None = None) -> Callable[[Command], Command]:
    """Make a command of an async function that takes a `Session` first and returns an exit code.

    Every command gets `--config` and `--json`, so that they may stand anywhere on the line. A
    parameter that is a dataclass stands for one option per field.
    """

    def register(function: Command) -> Command:
        @wraps(function)
        def run(ctx: typer.Context, config: Path | None, json: bool, **given: Any) -> None:
            import asyncio

            before = ctx.find_object(Session) or Session()
            session = Session(config or before.config, json or before.json)
            working = function(session, **_gathered(own, given))
            raise typer.Exit(asyncio.run(_stoppable(working)))

        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        run.__signature__ = _signature(own)  # type: ignore[attr-defined]
        app.command(name, rich_help_panel=panel)(run)
        return function

    return register


@contextmanager
def last_words(words: Callable[[], None]) -> Iterator[None]:
    """Say something when Ctrl-C or SIGTERM ends what is inside."""
    from asyncio import CancelledError

    try:
        yield
    except CancelledError:
        words()
        raise


def _signature(own: Sequence[inspect.Parameter]) -> inspect.Signature:
    """The context for the session, the command's own options, the two that all have."""
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature(
        [
            inspect.Parameter("ctx", kind, annotation=typer.Context),
            *(option.replace(kind=kind) for parameter in own for option in _options(parameter)),
            inspect.Parameter("config", kind, annotation=Config, default=None),
            inspect.Parameter("json", kind, annotation=Json, default=False),
        ]
    )


def _options(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    record: Any = parameter.annotation
    if not is_dataclass(record):
        return [parameter]
    hints = get_type_hints(record, include_extras=True)
    return [
        parameter.replace(name=field.name, annotation=hints[field.name], default=field.default)
        for field in fields(record)
    ]


def _gathered(own: Sequence[inspect.Parameter], given: dict[str, Any]) -> dict[str, Any]:
    """The options as the command wants them: those of a dataclass as one value."""
    arguments: dict[str, Any] = {}
    for parameter in own:
        record: Any = parameter.annotation
        values = {option.name: given[option.name] for option in _options(parameter)}
        if is_dataclass(parameter.annotation):
            arguments[parameter.name] = record(**values)
        else:
            arguments |= values
    return arguments


async def _stoppable(work: Awaitable[int]) -> int:
    """SIGTERM ends a command as Ctrl-C does: at its next step, everything put in order."""
    import asyncio

    task = asyncio.current_task()
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        if task:
            task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    try:
        return await work
    except asyncio.CancelledError:
        if asked:
            raise Terminated from None
        raise
