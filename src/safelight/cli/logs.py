"""Where the log goes: to stderr, for people on a terminal, as JSON lines for machines.

Libraries log through `logging` and `warnings`; their lines look like ours.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog

_STAMP: Final = structlog.processors.TimeStamper(fmt="iso", utc=True)


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Log what is at least as grave as `level`, of libraries what is at least a warning; stdout
    stays for results.

    `sys.stderr` is looked up at every line: a live display takes its place while it is shown.
    """
    renderer = _renderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _STAMP,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_handler(renderer)])
    logging.captureWarnings(True)


def _handler(renderer: structlog.typing.Processor) -> logging.Handler:
    """What libraries log, in the same words and the same place."""
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.processors.add_log_level,
                structlog.processors.format_exc_info,
                _STAMP,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    return handler


class _Stderr:
    """Whatever `sys.stderr` is at the moment."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _renderer() -> structlog.typing.Processor:
    if sys.stderr.isatty():
        # Tracebacks come as text, without the values of variables: those may be secrets.
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer()
