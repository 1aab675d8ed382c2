"""Whoever collects traces, as a stand-in: OTLP over HTTP, decoded by OpenTelemetry's records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.standins.server import Answer, Request, StandIn

_TYPE = "application/x-protobuf"


@dataclass(frozen=True)
class Seen:
    """One span that came; ids in hex."""

    name: str
    trace: str
    id: str
    parent: str
    began: int  # ns
    ended: int
    failed: bool
    said: Mapping[str, Any]  # its attributes
    service: str

    @property
    def place(self) -> str:
        """As `traceparent` says it."""
        return f"00-{self.trace}-{self.id}-01"


class Collector(StandIn):
    """Keeps every span."""

    kind = "collector"
    limited_status = 429

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.spans: list[Seen] = []

    def answer(self, request: Request) -> Answer:
        if request.path != "/v1/traces" or request.headers.get("content-type") != _TYPE:
            return Answer(404, b"")
        told = ExportTraceServiceRequest.FromString(request.body)
        with self.lock:
            for resource in told.resource_spans:
                service = _values(resource.resource.attributes)["service.name"]
                for scope in resource.scope_spans:
                    self.spans += [_seen(span, service) for span in scope.spans]
        body = ExportTraceServiceResponse().SerializeToString()
        return Answer(200, body, {"Content-Type": _TYPE})

    def named(self, name: str) -> list[Seen]:
        """Those of this name, in the order in which they came."""
        with self.lock:
            return [span for span in self.spans if span.name == name]

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(span) for span in self.spans]

    def failed(self, status: int = 500) -> Answer:
        return Answer(status, b"")

    def wrong(self) -> object:
        return {"partialSuccess": "no"}


def _seen(span: Any, service: str) -> Seen:
    return Seen(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        failed=span.status.code == 2,
        said=_values(span.attributes),
        service=service,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
