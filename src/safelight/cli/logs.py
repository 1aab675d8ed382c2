"""Where the log goes: to stderr, for people on a terminal, as JSON lines for machines.

Libraries log through `logging` and `warnings`; their lines look like ours, and of every line,
whoever wrote it, what looks like a secret is taken out before it is written.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import structlog

from safelight.core.redacting import Redactor

if TYPE_CHECKING:
    from safelight.settings import Settings

_STAMP: Final = structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts")
_FIRST: Final = ("ts", "level", "event")


def log_to_stderr(
    level: int = logging.WARNING, *, form: str | None = None, secrets: Iterable[str] = ()
) -> None:
    """Log what is at least as grave as `level`, of libraries what is at least a warning; stdout
    stays for results.

    `sys.stderr` is looked up at every line: a live display takes its place while it is shown.

    Args:
        form: `json` or `text`; left out: text on a terminal.
        secrets: what must not be read, besides what looks like a secret.
    """
    ending: list[Any] = [_Redacting(secrets), _renderer(form)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _STAMP,
            *ending,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[_handler(ending)])
    logging.captureWarnings(True)


def log_as(settings: Settings) -> None:
    """Log as these settings say."""
    from safelight.settings import secrets_of

    logs = settings.logs
    log_to_stderr(logs.number, form=logs.format, secrets=secrets_of(settings))


def log_warnings(settings: Settings) -> None:
    """Log what is at least a warning, without the secrets of these settings: a command says the
    rest itself."""
    from safelight.settings import secrets_of

    log_to_stderr(secrets=secrets_of(settings))


def _handler(ending: list[Any]) -> logging.Handler:
    """What libraries log, in the same words and the same place."""
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.processors.add_log_level,
                structlog.processors.format_exc_info,
                _STAMP,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    return handler


class _Redacting:
    """The last step before a line is written: no secrets, the usual fields first."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._redactor = Redactor(secrets)

    def __call__(self, _logger: object, _method: str, line: Any) -> dict[str, Any]:
        first = {name: line.pop(name) for name in _FIRST if name in line}
        return {name: self._redactor.value(value) for name, value in (first | dict(line)).items()}


class _Stderr:
    """Whatever `sys.stderr` is at the moment."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _renderer(form: str | None) -> structlog.typing.Processor:
    if form == "text" or (form is None and sys.stderr.isatty()):
        # Tracebacks come as text, without the values of variables: those may be secrets.
        return structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
            timestamp_key="ts",
        )
    return structlog.processors.JSONRenderer()
