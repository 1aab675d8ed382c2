"""The sections of `safelight.toml` about the log and about traces."""

from __future__ import annotations

import logging
from typing import Literal

from safelight.settings.fleet import Section
from safelight.settings.kinds import BackendUrl


class Logs(Section):
    """What `serve` and `work` write to stderr."""

    format: Literal["json", "text"] | None = None
    """`json`, one object a line, or `text`; left out: text on a terminal, else JSON."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is less grave is not logged."""

    @property
    def number(self) -> int:
        """The level as `logging` knows it."""
        return logging.getLevelNamesMapping()[self.level.upper()]


class Tracing(Section):
    """Traces, sent by OTLP over HTTP; needs the extra `otel`."""

    endpoint: BackendUrl | None = None
    """Who collects them, `http://127.0.0.1:4318`; left out: none are made."""
