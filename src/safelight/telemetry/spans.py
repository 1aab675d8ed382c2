"""Traces: spans as OpenTelemetry knows them, sent to a collector by OTLP over HTTP.

Whoever works hands a span over and goes on: a thread of the library sends them, many at a time.
What a slow or absent collector leaves behind is dropped when the queue is full.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from safelight.core.traceparent import Place

_PATH: Final = "/v1/traces"
_QUEUE: Final = 4_096  # spans
_BATCH: Final = 512  # spans sent at once
_EVERY: Final = 1_000.0  # ms
_PATIENCE: Final = 5.0  # s for one answer of the collector
_LEAVE: Final = 1.5  # s to send what is left when the process stops


class Spans:
    """Makes spans, and sends them to the collector at `endpoint`, an http(s) address."""

    def __init__(self, endpoint: str, version: str) -> None:
        self._numbers = _Numbers()
        resource = Resource.create({"service.name": "safelight", "service.version": version})
        self._provider = TracerProvider(
            resource=resource, id_generator=self._numbers, shutdown_on_exit=False
        )
        url = endpoint if endpoint.endswith(_PATH) else endpoint + _PATH
        exporter = OTLPSpanExporter(endpoint=url, timeout=_PATIENCE)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=_QUEUE,
                schedule_delay_millis=_EVERY,
                max_export_batch_size=_BATCH,
            )
        )
        self._tracer = self._provider.get_tracer("safelight", version)

    def span(
        self,
        name: str,
        around: Place | None,
        *,
        number: str | None = None,
        **attributes: str | int | None,
    ) -> _Made:
        """See `pipeline.tracing.Traces`."""
        self._numbers.next = int(number, 16) if number else None
        made = self._tracer.start_span(name, context=_context(around), attributes=_ours(attributes))
        return _Made(made, around)

    async def close(self) -> None:
        """Send what is left, within a moment; a collector that hangs is not waited for."""
        leaving = threading.Thread(target=self._provider.shutdown, daemon=True)
        leaving.start()
        until = asyncio.get_running_loop().time() + _LEAVE
        while leaving.is_alive() and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class _Made:
    """A span that has begun."""

    def __init__(self, span: OtelSpan, around: Place | None) -> None:
        self._span = span
        self._around = around

    def __enter__(self) -> _Made:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, asyncio.CancelledError):
            return  # it goes on elsewhere, or later: whoever ends it tells it
        if kind is not None:
            # Only what kind of error: its words may name what others must not read.
            self._span.set_status(Status(StatusCode.ERROR, kind.__name__))
        self.end()

    @property
    def traceparent(self) -> str | None:
        """Where it is; of one that is none, since OpenTelemetry was switched off: the caller's."""
        context = self._span.get_span_context()
        if not context.is_valid:
            return self._around.text if self._around else None
        trace, span = f"{context.trace_id:032x}", f"{context.span_id:016x}"
        return Place(trace, span, context.trace_flags.sampled).text

    def say(self, **attributes: str | int | None) -> None:
        """What is known of it by now."""
        self._span.set_attributes(_ours(attributes))

    def end(self) -> None:
        """It is over; the second time says nothing."""
        if self._span.is_recording():
            self._span.end()


class _Numbers(RandomIdGenerator):
    """Numbers of spans: drawn, unless the next one is given."""

    next: int | None = None

    def generate_span_id(self) -> int:
        given, self.next = self.next, None
        return given or super().generate_span_id()


def _context(around: Place | None) -> Context:
    """The caller's; an empty one where there is none, never what happens to be current."""
    if around is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if around.sampled else TraceFlags.DEFAULT)
    caller = SpanContext(int(around.trace, 16), int(around.span, 16), True, flags)
    return set_span_in_context(NonRecordingSpan(caller), Context())


def _ours(attributes: dict[str, Any]) -> dict[str, Any]:
    return {f"safelight.{name}": value for name, value in attributes.items() if value is not None}
