"""How a process is watched: its metrics, its traces, and the port where a worker shows them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from safelight import __version__
from safelight.api.metrics import metrics_app
from safelight.assembly.listening import address_of, answering, listen
from safelight.core.errors import DatabaseAway, SettingsError
from safelight.core.facts import Facts
from safelight.database import facts
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.pipeline.tracing import UNTRACED, Traces
from safelight.settings import Settings
from safelight.telemetry.declared import Known
from safelight.telemetry.metrics import Metrics
from safelight.telemetry.readings import Inside, Readings

if TYPE_CHECKING:
    from safelight.telemetry.spans import Spans

_PATIENCE: Final = 3.0  # s; whoever scrapes waits no longer than ten


@dataclass(frozen=True, slots=True)
class Watch:
    """What watches this process."""

    metrics: Metrics
    traces: Traces
    _known: Known

    def look_at(
        self, database: Database, bell: Bell, working: Callable[[], str] | None = None
    ) -> None:
        """Read how they are at each scrape."""

        def inside() -> Inside:
            works = working() == "ok" if working else None
            return Inside(database.sessions(), bell.rung, bell.sent, bell.heard, works)

        async def whole() -> Facts | None:
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await facts.facts(database)
            except (DatabaseAway, TimeoutError):
                return None

        self.metrics.read(Readings(self._known, inside, whole))


@asynccontextmanager
async def watching(settings: Settings) -> AsyncIterator[Watch]:
    """Metrics, and traces where they are wanted. Raises `SettingsError`."""
    names = tuple(backend.name for backend in settings.backends)
    known = Known(__version__, names, tuple(settings.publishers))
    async with AsyncExitStack() as stack:
        traces = UNTRACED
        if settings.tracing.endpoint is not None:
            spans = _spans()(settings.tracing.endpoint, __version__)
            stack.push_async_callback(spans.close)
            traces = spans
        yield Watch(Metrics(known), traces, known)


def _spans() -> type[Spans]:
    """Imported only where it is wanted: it is an extra, and large."""
    try:
        from safelight.telemetry.spans import Spans
    except ImportError as error:
        raise SettingsError(
            f"tracing.endpoint: traces need the extra `otel` ({error}): install safelight[otel], "
            "or leave the endpoint out"
        ) from None
    return Spans


@asynccontextmanager
async def showing(watch: Watch, host: str, port: int) -> AsyncIterator[str]:
    """Answer `GET /metrics` there, to whoever reaches it; the address. Raises `SettingsError`."""
    listening = listen(host, port, "--metrics-port")
    try:
        async with answering(metrics_app(watch.metrics.text), listening):
            yield f"{address_of(host, listening)}/metrics"
    finally:
        listening.close()
