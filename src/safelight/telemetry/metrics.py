"""The metrics of one process: what happens is counted, and written as text for who scrapes it."""

from __future__ import annotations

from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from safelight.core.happenings import (
    AttemptEnded,
    BatchAccepted,
    BatchEnded,
    CopyTried,
    GhostCanceled,
    Happening,
    ImageEnded,
    MessageTried,
    QueuedAgain,
)
from safelight.core.retrying import OUTCOMES, SPARE, STORED, TWIN
from safelight.telemetry.declared import (
    COPIED,
    COUNTED,
    COUNTER,
    HISTOGRAM,
    Known,
    Metric,
)
from safelight.telemetry.readings import Readings

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
OTHER: Final = "other"
MOST_CHARACTERS: Final = 100
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """One per process, with a registry of its own."""

    def __init__(self, known: Known) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._made = {metric.name: _made(metric, self._registry) for metric in COUNTED}
        self._characters: set[str] = set()
        self._readings: Readings | None = None
        self._begin(known)

    def _begin(self, known: Known) -> None:
        """What may happen is there from the beginning, as zero."""
        for backend in known.backends:
            self._of("ghosts_total", backend)
            self._of("attempt_duration_seconds", backend)
            for outcome in OUTCOMES:
                self._of("attempts_total", outcome, backend)
        for publisher in known.publishers:
            self._of("publication_duration_seconds", publisher)
            for outcome in COPIED:
                self._of("publications_total", outcome, publisher)

    def read(self, readings: Readings) -> None:
        """From now on these are read at every scrape."""
        self._readings = readings
        self._registry.register(readings)

    async def text(self) -> bytes:
        """Everything, as `CONTENT_TYPE`."""
        if self._readings:
            await self._readings.refresh()
        return generate_latest(self._registry)

    def count(self, happening: Happening) -> None:
        """Count it."""
        match happening:
            case BatchAccepted(character):
                self._of("batches_accepted_total", self._bounded(character)).inc()
            case BatchEnded(character, status):
                self._of("batches_total", status, self._bounded(character)).inc()
            case ImageEnded(status, seconds):
                self._of("images_total", status).inc()
                if seconds is not None:
                    self._of("image_duration_seconds").observe(seconds)
            case AttemptEnded():
                self._attempt(happening)
            case QueuedAgain(reason):
                self._of("retries_total", reason).inc()
            case GhostCanceled(backend):
                self._of("ghosts_total", backend).inc()
            case CopyTried(publisher, outcome, seconds):
                self._of("publications_total", outcome, publisher).inc()
                self._of("publication_duration_seconds", publisher).observe(seconds)
            case MessageTried(outcome, seconds):
                self._of("deliveries_total", outcome).inc()
                self._of("delivery_duration_seconds").observe(seconds)

    def _attempt(self, ended: AttemptEnded) -> None:
        self._of("attempts_total", ended.outcome, ended.backend).inc()
        if ended.outcome == STORED:
            self._of("attempt_duration_seconds", ended.backend).observe(ended.seconds)
        elif ended.outcome == TWIN:
            self._of("twins_total").inc()
        elif ended.outcome == SPARE:
            self._of("spare_pictures_total").inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is its template."""
        method = method if method in _METHODS else "OTHER"
        self._of("http_request_duration_seconds", method, route, str(status)).observe(seconds)

    def listening(self, more: int) -> None:
        """So many more (or fewer) listen to events."""
        self._of("sse_clients").inc(more)

    def _bounded(self, character: str) -> str:
        if character not in self._characters:
            if len(self._characters) >= MOST_CHARACTERS:
                return OTHER
            self._characters.add(character)
        return character

    def _of(self, name: str, *labels: str) -> Any:
        made = self._made[f"safelight_{name}"]
        return made.labels(*labels) if labels else made


def _made(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    if metric.kind == HISTOGRAM:
        return Histogram(
            metric.name, metric.says, metric.labels, buckets=metric.buckets, registry=registry
        )
    kind = Counter if metric.kind == COUNTER else Gauge
    made = kind(metric.name, metric.says, metric.labels, registry=registry)
    if len(metric.labels) == 1:
        for value in metric.known:
            made.labels(value)
    return made
