"""The dashboard and the page on observing name metrics that there are, with labels they have."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest

from safelight.telemetry.declared import ALL, GAUGE, HISTOGRAM, Metric
from tests.docs.pages import ROOT

DASHBOARD: Final = json.loads((ROOT / "dashboards" / "grafana.json").read_text("utf-8"))
PAGE: Final = (ROOT / "docs" / "how-to" / "observe.md").read_text("utf-8")
_BY_NAME: Final = {
    name: metric
    for metric in ALL
    for name in (
        [f"{metric.name}{end}" for end in ("_bucket", "_sum", "_count")]
        if metric.kind == HISTOGRAM
        else [metric.name]
    )
}
_SELECTED: Final = re.compile(r"(safelight_[a-z_]+|process_[a-z_]+)(?:\{([^}]*)\})?")
_OF_ALL: Final = {"job", "instance", "le"}


def expressions() -> list[str]:
    """Every query of the dashboard."""
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]


def alerts() -> list[str]:
    """Every query of the alerts."""
    return re.findall(r"^ +expr: (.+)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("query", [*expressions(), *alerts()])
def test_every_query_names_metrics_and_labels_that_there_are(query: str) -> None:
    named = _SELECTED.findall(query)
    assert named
    labels: set[str] = set()
    for name, selected in named:
        if name.startswith("process_"):
            continue
        metric = _BY_NAME[name]
        labels |= set(metric.labels)
        assert set(re.findall(r"(\w+)\s*=", selected)) <= {*metric.labels, *_OF_ALL}
        assert counted_right(metric, query)
    for grouped in re.findall(r"by \(([^)]*)\)", query):
        assert {label.strip() for label in grouped.split(",")} <= labels | _OF_ALL


def counted_right(metric: Metric, query: str) -> bool:
    """What only grows is looked at by how fast it does; what does not is not."""
    grows = bool(re.search(rf"(?:rate|increase)\({metric.name}", query))
    return grows == (metric.kind != GAUGE)


def test_the_dashboard_shows_what_it_must() -> None:
    """Backends, the line, outcomes, durations, copies, HTTP; every metric of ours but a few that
    only say how large or which."""
    shown = {
        _BY_NAME[name].name
        for name, _ in _SELECTED.findall(" ".join(expressions()))
        if name.startswith("safelight_")
    }
    assert {metric.name for metric in ALL} - shown == {"safelight_build_info"}


def test_the_dashboard_can_be_imported() -> None:
    """Panels have ids and places of their own, targets a letter, and the data source is asked for
    when it is imported."""
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        letters = [target["refId"] for target in panel.get("targets", ())]
        assert len(set(letters)) == len(letters)
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${datasource}"
    corners = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(corners)) == len(corners)
    names = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert names == ["datasource", "job"]
