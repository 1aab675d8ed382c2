"""What the pipeline tells of itself: spans, to whoever collects them.

A port: without a collector nothing is made, and nothing waits for one.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import structlog

from safelight.core.traceparent import Place, place_of_attempt, read_traceparent
from safelight.database.images import Work


class Span(Protocol):
    """A part of the work that takes time."""

    @property
    def traceparent(self) -> str | None:
        """What those name as their caller who do a part of it; None: nobody asked to trace."""

    def say(self, **attributes: str | int | None) -> None:
        """What is known of it by now."""

    def end(self) -> None:
        """It is over, before its `with` is."""


class Traces(Protocol):
    """Makes spans."""

    def span(
        self,
        name: str,
        around: Place | None,
        *,
        number: str | None = None,
        **attributes: str | int | None,
    ) -> AbstractContextManager[Span]:
        """A span that lasts as long as its `with`, within the one at `around`.

        Args:
            number: its own, 16 hex digits; left out: drawn.
        """


class Untraced:
    """Makes none; what a caller said is passed on."""

    def span(
        self,
        name: str,
        around: Place | None,
        *,
        number: str | None = None,
        **attributes: str | int | None,
    ) -> AbstractContextManager[Span]:
        """See `Traces`."""
        return _NoSpan(around)


class _NoSpan:
    def __init__(self, around: Place | None) -> None:
        self._around = around

    def __enter__(self) -> _NoSpan:
        return self

    def __exit__(self, *_: object) -> None:
        return

    @property
    def traceparent(self) -> str | None:
        return self._around.text if self._around else None

    def say(self, **attributes: str | int | None) -> None:
        return

    def end(self) -> None:
        return


UNTRACED: Traces = Untraced()


def attempt(work: Work) -> Place:
    """Where an attempt is rendered."""
    return place_of_attempt(work.batch, work.traceparent, work.prompt_id)


def log_about(traceparent: str | None, **about: str | None) -> None:
    """What this task logs from here on is about this batch, image, backend, in this trace."""
    place = read_traceparent(traceparent)
    known = {**about, "trace_id": place.trace if place else None}
    structlog.contextvars.bind_contextvars(**{k: v for k, v in known.items() if v is not None})
