"""Where the log goes: to stderr, for people on a terminal, as JSON lines for machines."""

from __future__ import annotations

import logging
import sys

import structlog


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Log what is at least as grave as `level`; stdout stays for results.

    `sys.stderr` is looked up at every line: a live display takes its place while it is shown.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _renderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def _renderer() -> structlog.typing.Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer()
    return structlog.processors.JSONRenderer()
