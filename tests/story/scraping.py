"""What whoever measures sees."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


class Scrape:
    """One look at /metrics."""

    def __init__(self, url: str, key: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            self.text = answer.read().decode()
        families = text_string_to_metric_families(self.text)
        self._samples = [sample for family in families for sample in family.samples]

    def of(self, name: str, **labels: str) -> Iterator[Sample]:
        """Samples of this name that have these labels; of a histogram all that belong to it."""
        ours = {name, f"{name}_bucket", f"{name}_count", f"{name}_sum"}
        for sample in self._samples:
            if sample.name in ours and labels.items() <= sample.labels.items():
                yield sample

    def value(self, name: str, **labels: str) -> float:
        """The sum over those of exactly this name; KeyError if there is none."""
        found = [sample.value for sample in self.of(name, **labels) if sample.name == name]
        if not found:
            raise KeyError(f"{name} {labels}")
        return sum(found)
