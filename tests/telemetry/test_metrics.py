"""The metrics of one process: what is counted, under which names, and what no label may hold."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from safelight.core.facts import BackendFact, Facts, LineFact
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
from safelight.telemetry.declared import ALL, COUNTED, HISTOGRAM, OF_LABELS, READ, Known
from safelight.telemetry.metrics import MOST_CHARACTERS, OTHER, Metrics
from safelight.telemetry.readings import Inside, Readings

KNOWN = Known("1.2.3", ("b1", "b2"), ("cdn",))
INSIDE = Inside((4, 3, 10), rings=7, sent=2, heard=1, works=True)
FACTS = Facts(
    lines=(LineFact("default", 12, 3.5),),
    backends=(BackendFact("b1", "default", 2, 1, "ready"), BackendFact("b2", "x", 1, 0, "stuck")),
    copies=(("old", 3),),
    deliveries=5,
)


async def samples(metrics: Metrics) -> dict[str, float]:
    """Each sample that a scrape gives: `name{label="value"}`, labels in order → its value."""
    found = {}
    for family in text_string_to_metric_families((await metrics.text()).decode()):
        for sample in family.samples:
            found[sample.name + _labels(sample.labels)] = sample.value
    return found


def _labels(labels: Mapping[str, str]) -> str:
    named = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    return f"{{{named}}}" if named else ""


def read(metrics: Metrics, facts: Facts | None = FACTS, inside: Inside = INSIDE) -> list[int]:
    """Let these be read at scrapes; the list grows with every look at the system."""
    looks: list[int] = []

    async def ask() -> Facts | None:
        looks.append(1)
        return facts

    metrics.read(Readings(KNOWN, lambda: inside, ask))
    return looks


HAPPENED: list[tuple[Happening, dict[str, float]]] = [
    (
        BatchAccepted("mira"),
        {'safelight_batches_accepted_total{character="mira"}': 1},
    ),
    (
        BatchEnded("mira", "partial"),
        {'safelight_batches_total{character="mira",outcome="partial"}': 1},
    ),
    (
        ImageEnded("stored", 7.0),
        {
            'safelight_images_total{outcome="stored"}': 1,
            'safelight_image_duration_seconds_bucket{le="5.0"}': 0,
            'safelight_image_duration_seconds_bucket{le="10.0"}': 1,
            "safelight_image_duration_seconds_sum": 7,
        },
    ),
    (
        ImageEnded("failed"),
        {
            'safelight_images_total{outcome="failed"}': 1,
            "safelight_image_duration_seconds_count": 0,
        },
    ),
    (
        AttemptEnded("b1", "stored", 3.0),
        {
            'safelight_attempts_total{backend="b1",outcome="stored"}': 1,
            'safelight_attempt_duration_seconds_sum{backend="b1"}': 3,
        },
    ),
    (
        AttemptEnded("b1", "twin", 3.0),
        {
            "safelight_twins_total": 1,
            "safelight_spare_pictures_total": 0,
            'safelight_attempt_duration_seconds_count{backend="b1"}': 0,
        },
    ),
    (
        AttemptEnded("b2", "spare", 3.0),
        {
            "safelight_spare_pictures_total": 1,
            'safelight_attempts_total{backend="b2",outcome="spare"}': 1,
        },
    ),
    (QueuedAgain("lost"), {'safelight_retries_total{reason="lost"}': 1}),
    (GhostCanceled("b2"), {'safelight_ghosts_total{backend="b2"}': 1}),
    (
        CopyTried("cdn", "delayed", 0.3),
        {
            'safelight_publications_total{outcome="delayed",publisher="cdn"}': 1,
            'safelight_publication_duration_seconds_bucket{le="0.5",publisher="cdn"}': 1,
        },
    ),
    (
        MessageTried("dead", 0.3),
        {
            'safelight_deliveries_total{outcome="dead"}': 1,
            "safelight_delivery_duration_seconds_count": 1,
        },
    ),
]


@pytest.mark.parametrize(("happened", "expected"), HAPPENED, ids=lambda one: type(one).__name__)
async def test_what_happens_is_counted(happened: Happening, expected: Mapping[str, float]) -> None:
    metrics = Metrics(KNOWN)
    before = await samples(metrics)
    assert all(before.get(name, 0) == 0 for name in expected)
    metrics.count(happened)
    after = await samples(metrics)
    assert {name: after[name] for name in expected} == expected


async def test_what_may_happen_is_there_as_zero_from_the_beginning() -> None:
    """Else the first of its kind is no increase for whoever collects."""
    found = await samples(Metrics(KNOWN))
    assert found['safelight_images_total{outcome="canceled"}'] == 0
    assert found['safelight_attempts_total{backend="b2",outcome="out-of-memory"}'] == 0
    assert found['safelight_publications_total{outcome="failed",publisher="cdn"}'] == 0
    assert found['safelight_retries_total{reason="twin"}'] == 0


async def test_a_label_never_has_more_values_than_we_say() -> None:
    """A thousand characters and methods that strangers make up fill no memory."""
    metrics = Metrics(KNOWN)
    for number in range(1000):
        metrics.count(BatchAccepted(f"character-{number}"))
        metrics.answered(f"BREW{number}", "none", 405, 0.001)
    found = await samples(metrics)
    accepted = [name for name in found if name.startswith("safelight_batches_accepted_total")]
    assert len(accepted) == MOST_CHARACTERS + 1
    other = f'safelight_batches_accepted_total{{character="{OTHER}"}}'
    assert found[other] == 1000 - MOST_CHARACTERS
    count = "safelight_http_request_duration_seconds_count"
    assert [name for name in found if name.startswith(count)] == [
        f'{count}{{method="OTHER",route="none",status="405"}}'
    ]


async def test_readings_of_the_process_and_of_the_system() -> None:
    metrics = Metrics(KNOWN)
    read(metrics)
    metrics.listening(3)
    metrics.listening(-1)
    found = await samples(metrics)
    expected = {
        'safelight_build_info{version="1.2.3"}': 1,
        "safelight_worker_up": 1,
        "safelight_database_up": 1,
        'safelight_database_sessions{state="idle"}': 3,
        'safelight_database_sessions{state="busy"}': 1,
        "safelight_database_sessions_max": 10,
        "safelight_bell_rings_total": 7,
        'safelight_bell_messages_total{direction="heard"}': 1,
        'safelight_queue_depth{pool="default"}': 12,
        'safelight_queue_wait_seconds{pool="default"}': 3.5,
        'safelight_backend_up{backend="b1",pool="default"}': 1,
        'safelight_backend_up{backend="b2",pool="x"}': 0,
        'safelight_backend_busy{backend="b1",pool="default"}': 1,
        'safelight_backend_slots{backend="b2",pool="x"}': 1,
        'safelight_backend_resting{backend="b2",pool="x",reason="stuck"}': 1,
        'safelight_backend_resting{backend="b2",pool="x",reason="twin"}': 0,
        'safelight_backend_resting{backend="b1",pool="default",reason="stuck"}': 0,
        'safelight_publications_pending{publisher="old"}': 3,
        'safelight_publications_pending{publisher="cdn"}': 0,
        "safelight_deliveries_pending": 5,
        "safelight_sse_clients": 2,
    }
    assert {name: found[name] for name in expected} == expected
    assert "process_resident_memory_bytes" in found


async def test_without_the_database_the_process_is_measured_all_the_same() -> None:
    """What cannot be known is left out, not told as it was."""
    metrics = Metrics(KNOWN)
    read(metrics, None, Inside((0, 0, 10), 0, 0, 0))
    found = await samples(metrics)
    assert found["safelight_database_up"] == 0
    assert not any("queue_depth" in name or "backend_up" in name for name in found)
    assert "safelight_worker_up" not in found


async def test_the_database_is_asked_at_most_once_a_second() -> None:
    metrics = Metrics(KNOWN)
    looks = read(metrics)
    for _ in range(5):
        await metrics.text()
    assert len(looks) == 1


async def test_two_processes_in_one_share_nothing() -> None:
    """Nothing is global: each has a registry of its own."""
    one, other = Metrics(KNOWN), Metrics(KNOWN)
    one.count(QueuedAgain("lost"))
    assert (await samples(other))['safelight_retries_total{reason="lost"}'] == 0


def test_names_follow_the_rules_of_prometheus() -> None:
    """Our prefix, base units, `_total` for what only grows; every label is explained."""
    names = [metric.name for metric in ALL]
    assert len(names) == len(set(names))
    for metric in ALL:
        assert metric.name.startswith("safelight_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert set(metric.labels) <= OF_LABELS.keys()
        assert not set(metric.labels) & {"user", "batch", "image", "key"}
        assert metric.name.endswith("_seconds") or metric.kind != HISTOGRAM
    assert {metric.name for metric in READ}.isdisjoint(metric.name for metric in COUNTED)
