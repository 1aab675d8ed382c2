"""What is read when somebody scrapes: how this process is, and at most once a second the system."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from safelight.core.facts import READY, REASONS, Facts
from safelight.telemetry.declared import COUNTER, READ, WHOLE, Known

FRESH_FOR: Final = 1.0  # s
_Family = GaugeMetricFamily | CounterMetricFamily


@dataclass(frozen=True, slots=True)
class Inside:
    """How this process is."""

    sessions: tuple[int, int, int]  # open, idle of these, allowed
    rings: int
    sent: int
    heard: int
    works: bool | None = None  # None: it has no worker


class Readings:
    """Reads; also what Prometheus calls a collector."""

    def __init__(
        self,
        known: Known,
        inside: Callable[[], Inside],
        facts: Callable[[], Awaitable[Facts | None]],
    ) -> None:
        """`facts` answers None when the database does not answer."""
        self._known = known
        self._inside = inside
        self._ask = facts
        self._facts: Facts | None = None
        self._asked = float("-inf")
        self._asking = asyncio.Lock()

    async def refresh(self) -> None:
        """Ask for the facts of the whole system, if they are not known well enough."""
        clock = asyncio.get_running_loop().time
        async with self._asking:
            if clock() - self._asked > FRESH_FOR:
                self._facts = await self._ask()
                self._asked = clock()

    def collect(self) -> Iterator[Any]:
        """The families of `READ` and, while the database answers, of `WHOLE`."""
        families = {metric.name: _family(metric) for metric in (*READ, *WHOLE)}
        for name, labels, value in (*self._of_process(), *self._of_system()):
            families[f"safelight_{name}"].add_metric(list(labels), value)
        yield from (family for family in families.values() if family.samples)

    def describe(self) -> Iterator[Any]:
        """Their names, for the registry."""
        return iter([_family(metric) for metric in (*READ, *WHOLE)])

    def _of_process(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        inside = self._inside()
        sessions, idle, most = inside.sessions
        yield "build_info", (self._known.version,), 1
        if inside.works is not None:
            yield "worker_up", (), inside.works
        yield "database_up", (), self._facts is not None
        yield "database_sessions", ("idle",), idle
        yield "database_sessions", ("busy",), sessions - idle
        yield "database_sessions_max", (), most
        yield "bell_rings_total", (), inside.rings
        yield "bell_messages_total", ("sent",), inside.sent
        yield "bell_messages_total", ("heard",), inside.heard

    def _of_system(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        facts = self._facts
        if facts is None:
            return
        for line in facts.lines:
            yield "queue_depth", (line.pool,), line.depth
            yield "queue_wait_seconds", (line.pool,), line.wait
        for backend in facts.backends:
            which = (backend.name, backend.pool)
            yield "backend_up", which, backend.why == READY
            yield "backend_busy", which, backend.busy
            yield "backend_slots", which, backend.slots
            for reason in REASONS:
                yield "backend_resting", (*which, reason), backend.why == reason
        none = dict.fromkeys(self._known.publishers, 0)
        for publisher, waiting in (none | dict(facts.copies)).items():
            yield "publications_pending", (publisher,), waiting
        yield "deliveries_pending", (), facts.deliveries


def _family(metric: Any) -> _Family:
    kind = CounterMetricFamily if metric.kind == COUNTER else GaugeMetricFamily
    return kind(metric.name, metric.says, labels=metric.labels)
