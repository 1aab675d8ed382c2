"""Every metric there is: its name, its labels, what it says. The reference is made from this.

No label holds a user, a batch or an image, and none has more values than the settings and this file
name: a label that strangers could fill would fill the memory of whoever collects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from safelight.core.facts import REASONS
from safelight.core.retrying import OUTCOMES, RULES, STORED
from safelight.core.states import CANCELED, ENDED, FAILED, UPLOADED

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
HISTOGRAM: Final = "histogram"

_IMAGES: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_NETWORK: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_REQUESTS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; the name of a counter ends with `_total`."""

    name: str
    kind: str
    says: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()  # upper bounds, of a histogram
    # Values of its first label that are there, as zero, before anything has happened.
    known: tuple[str, ...] = ()


def _counter(name: str, says: str, *labels: str, known: tuple[str, ...] = ()) -> Metric:
    return Metric(f"safelight_{name}_total", COUNTER, says, labels, known=known)


def _gauge(name: str, says: str, *labels: str) -> Metric:
    return Metric(f"safelight_{name}", GAUGE, says, labels)


def _histogram(name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    return Metric(f"safelight_{name}_seconds", HISTOGRAM, says, labels, buckets)


COUNTED: Final = (
    _counter("batches_accepted", "Batches that were accepted.", "character"),
    _counter("batches", "Batches that have ended, by how.", "outcome", "character"),
    _counter("images", "Images that have ended.", "outcome", known=(STORED, FAILED, CANCELED)),
    _histogram("image_duration", "From the order, or a retry, to the stored picture.", _IMAGES),
    _counter("attempts", "Attempts that have ended.", "outcome", "backend", known=OUTCOMES),
    _histogram("attempt_duration", "Attempts that gave the picture.", _IMAGES, "backend"),
    _counter(
        *("retries", "Images that were put in line again, by what their attempt ended with."),
        "reason",
        known=("retry", *RULES),
    ),
    _counter("twins", "Pictures not taken because another image of the batch has their pixels."),
    _counter("spare_pictures", "Attempts that were drawn for nothing: another one came first."),
    _counter("ghosts", "Prompts that nobody waits for, cancelled at a backend.", "backend"),
    _counter("publications", "Tries to copy an image, by how they ended.", "outcome", "publisher"),
    _histogram("publication_duration", "Tries to copy an image.", _NETWORK, "publisher"),
    _counter(
        *("deliveries", "Tries to send a webhook's message, by how they ended.", "outcome"),
        known=("delivered", "delayed", "dead"),
    ),
    _histogram("delivery_duration", "Tries to send a webhook's message.", _NETWORK),
    _histogram(
        *("http_request_duration", "Requests; event streams until they begin.", _REQUESTS),
        *("method", "route", "status"),
    ),
    _gauge("sse_clients", "Listeners that are connected to event streams."),
)
"""What happens in a process, counted there."""

READ: Final = (
    _gauge("build_info", "1, with the version.", "version"),
    _gauge("worker_up", "1 if the worker of this process works; absent without one."),
    _gauge("database_up", "1 if the database answered this scrape."),
    _gauge("database_sessions", "Sessions with the database that are open.", "state"),
    _gauge("database_sessions_max", "Sessions that this process may open."),
    _counter("bell_rings", "Times that this process woke those who wait for news."),
    _counter("bell_messages", "Messages of the bell between processes.", "direction"),
)
"""What is read of a process when it is scraped."""

WHOLE: Final = (
    _gauge("queue_depth", "Queued images, at most 100,000 are counted.", "pool"),
    _gauge(
        "queue_wait_seconds", "How long the oldest of them has waited, save those held.", "pool"
    ),
    _gauge("backend_up", "1 if the backend takes images.", "backend", "pool"),
    _gauge("backend_busy", "Open attempts there.", "backend", "pool"),
    _gauge("backend_slots", "How many prompts it holds at once.", "backend", "pool"),
    _gauge("backend_resting", "1 for the reason why it takes none.", "backend", "pool", "reason"),
    _gauge("publications_pending", "Copies that wait, at most 100,000 are counted.", "publisher"),
    _gauge("deliveries_pending", "Messages that wait, at most 100,000 are counted."),
)
"""Facts of the whole system, read from the database: every process tells the same."""

OF_LABELS: Final[Mapping[str, str]] = {
    "character": "ids; those beyond the first 100 of a process are `other`",
    "outcome": "see the line",
    "reason": "of a retry an attempt's outcome or `retry`; of a backend one of "
    + ", ".join(f"`{reason}`" for reason in REASONS),
    "backend": "names of the settings",
    "pool": "names of the settings",
    "publisher": "names of the settings",
    "method": "the usual ones; others are `OTHER`",
    "route": "templates, `/v1/batches/{id}`; `none` where no route was reached",
    "status": "of HTTP; 499 where the client left first",
    "state": "`idle`, `busy`",
    "direction": "`sent`, `heard`",
    "version": "of Safelight",
}
ENDS: Final = tuple(sorted(ENDED))
COPIED: Final = (UPLOADED, "delayed", FAILED)
ALL: Final = (*COUNTED, *READ, *WHOLE)


@dataclass(frozen=True, slots=True)
class Known:
    """What is configured: its metrics are there before anything happens."""

    version: str
    backends: tuple[str, ...] = ()
    publishers: tuple[str, ...] = field(default=())
