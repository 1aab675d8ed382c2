"""What whoever measures sees."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

_REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def named() -> set[str]:
    """Every metric of the reference."""
    found = set(re.findall(r"`(safelight_[a-z_]+)`", _REFERENCE.read_text()))
    assert len(found) > 25
    return found


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


class Looks:
    """Many looks at several processes."""

    def __init__(self, *urls: str) -> None:
        self._urls = urls
        self.never = named()
        """The metrics of the reference that no look has found above zero."""

    def see(self, name: str, **labels: str) -> bool:
        """Look once more: whether this one is above zero anywhere."""
        scrapes = [Scrape(url) for url in self._urls]
        self.never -= {each for each in self.never if _above(scrapes, each)}
        return _above(scrapes, f"safelight_{name}", **labels)


def _above(scrapes: list[Scrape], name: str, **labels: str) -> bool:
    return any(sample.value > 0 for seen in scrapes for sample in seen.of(name, **labels))
