"""What the declarations of metrics say, as rows of tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safelight.telemetry.declared import OF_LABELS, Metric

HEADINGS = ("metric", "is a", "labels", "says")


def rows(metrics: Sequence[Metric]) -> list[tuple[str, ...]]:
    """One a metric, buckets of histograms with it."""
    return [
        (
            f"`{one.name}`",
            one.kind,
            ", ".join(f"`{label}`" for label in one.labels),
            one.says + _buckets(one),
        )
        for one in metrics
    ]


def labels() -> Iterator[tuple[str, ...]]:
    """Every label, and what its values are."""
    for name, values in OF_LABELS.items():
        yield f"`{name}`", values


def _buckets(metric: Metric) -> str:
    if not metric.buckets:
        return ""
    return f" Buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)} s."
