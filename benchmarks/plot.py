"""The picture of a run: each finding as a share of its limit, and memory while images pass.

`python -m benchmarks.plot FILE.json` draws FILE.png again; a run draws its own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.verdict import short

Finding: TypeAlias = dict[str, Any]

GROUND: Final = "#17181a"
PANEL: Final = "#1d1f21"
INK: Final = "#e4e2dd"
QUIET: Final = "#8f9194"
FAINT: Final = "#34373a"
KEPT: Final = "#7d9cab"  # a limit that is kept
MISSED: Final = "#c8694f"  # one that is not
GOAL: Final = "#d9b86a"
WIDTH: Final = 11.0  # inches
FONT: Final = 9.5
IDEAL: Final = "of ideal"  # the unit of what can be no better than 1
TITLES: Final = {
    "overhead": "one image, time added",
    "rate": "8 clients, share of rate",
    "batch-4": "batch of 4, time",
    "batch-8": "batch of 8 on 4 servers, time",
    "speed-up-1": "batch of 8 on 1 server, speed",
    "speed-up-2": "… on 2 servers",
    "speed-up-4": "… on 4 servers",
    "speed-up-8": "… on 8 servers",
    "fleet": "64 servers, speed",
    "accept-16": "accepting, 16 series",
    "accept-1": "accepting, 1 series",
    "guarded": "accepting with a key, share of rate",
    "listeners": "batch with 500 listeners, time",
    "memory-growth": "memory, growth",
    "memory-peak": "memory, peak",
    "audit-memory": "audit, memory",
    "publish-peak": "copying, memory, peak",
    "publish-growth": "copying, memory, growth",
    "first-picture": "first of 10,000 pictures, time",
}


def draw(document: dict[str, Any], file: Path) -> None:
    """Write the picture of a results document."""
    findings: list[Finding] = document["findings"]
    judged = [finding for finding in findings if _mark(finding, "limit") is not None]
    curve = next((finding for finding in findings if "series" in finding["raw"]), None)
    bars = 0.25 + 0.46 * len(judged) if judged else 0.0
    heights = [height for height in (bars, 3.2 if curve else 0.0) if height]
    free = [one for one in findings if not (one["marks"] or one["name"] == "memory-growth")]
    foot = 0.2 + 0.25 * len(free) if free else 0.0
    total = 1.3 + sum(heights) + 1.1 * max(len(heights) - 1, 0) + 0.95 + foot
    figure = Figure(figsize=(WIDTH, total), facecolor=GROUND)
    _head(figure, document, total)
    top = total - 1.3
    if judged:
        _bars(_panel(figure, 2.45, top - bars, 5.6, bars, total), judged)
        top -= bars + 1.1
    if curve:
        _curve(_panel(figure, 0.85, top - 3.2, WIDTH - 1.2, 3.2, total), curve, findings)
    _foot(figure, free, total)
    figure.savefig(file, dpi=120, facecolor=GROUND)


def _panel(
    figure: Figure, left: float, bottom: float, width: float, height: float, total: float
) -> Axes:
    """Axes at a place in inches, with no more lines than needed."""
    axes = figure.add_axes((left / WIDTH, bottom / total, width / WIDTH, height / total))
    axes.set_facecolor(PANEL)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(colors=QUIET, labelsize=FONT, length=0, pad=6)
    axes.set_axisbelow(True)
    return axes


def _head(figure: Figure, document: dict[str, Any], total: float) -> None:
    machine, database = document["machine"], document["postgresql"]
    quick = " · quick run, for a look only" if document["quick"] else ""
    about = [
        document["at"].replace("T", " ").replace("Z", " UTC"),
        f"{machine['cores']} cores",
        f"Python {machine['python']}",
        *(f"{name} {database[name]}" for name in ("fsync", "synchronous_commit")),
    ]
    left = 0.35 / WIDTH
    figure.text(left, 1 - 0.42 / total, "Safelight, speed and size", color=INK, fontsize=15)
    figure.text(left, 1 - 0.70 / total, " · ".join(about) + quick, color=QUIET, fontsize=FONT)


def _foot(figure: Figure, free: list[Finding], total: float) -> None:
    """What has no limit, in words."""
    for row, finding in enumerate(reversed(free)):
        height = (0.3 + 0.25 * row) / total
        figure.text(0.85 / WIDTH, height, _told(finding), color=INK, fontsize=FONT)
        figure.text(2.45 / WIDTH, height, finding["what"], color=QUIET, fontsize=FONT)


def _bars(axes: Axes, judged: list[Finding]) -> None:
    """Each finding as a share of its limit: short is good, whichever way it is measured."""
    rows = range(len(judged))
    furthest = 1.18
    for row, finding in zip(rows, judged, strict=True):
        least, value, greatest = _shares(finding)
        furthest = max(furthest, greatest + 0.06)
        axes.barh(row, value, height=0.5, color=KEPT if value <= 1 else MISSED)
        axes.plot((least, greatest), (row, row), color=INK, linewidth=1.2, alpha=0.8)
        goal = _mark(finding, "goal")
        if goal is not None:
            place = _share(finding, goal)
            axes.plot((place, place), (row - 0.34, row + 0.34), color=GOAL, linewidth=2)
        axes.annotate(
            _told(finding), (1, row), (10, 0), ("axes fraction", "data"), "offset points",
            color=INK, fontsize=FONT, va="center",
        )  # fmt: skip
    axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xlim(0, furthest)
    axes.set_ylim(len(judged) - 0.45, -0.55)
    names = [TITLES.get(str(finding["name"]), str(finding["name"])) for finding in judged]
    axes.set_yticks(rows, names, color=INK)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    _legend(axes)


def _legend(axes: Axes) -> None:
    """What the bars, lines and colours mean."""
    axes.set_xlabel(
        "share of the limit used: left of the dashed line is kept; "
        "thin line: least to greatest round",
        color=QUIET, fontsize=FONT, labelpad=8,
    )  # fmt: skip
    axes.set_title("Against the limits", color=INK, fontsize=11.5, loc="left", pad=8)
    words = (("goal", GOAL, 172), ("limit kept", KEPT, 92), ("limit missed", MISSED, 0))
    for word, color, place in words:
        axes.annotate(
            f"▮ {word}",
            (1, 1),
            (-place, 8),
            "axes fraction",
            "offset points",
            color=color,
            fontsize=FONT,
            ha="right",
        )


def _curve(axes: Axes, finding: Finding, findings: list[Finding]) -> None:
    """Memory over the images that have passed, with its limit."""
    passed = [images for _, images, _ in finding["raw"]["series"]]
    held = [mb for _, _, mb in finding["raw"]["series"]]
    limit = _mark(finding, "limit") or max(held)
    axes.fill_between(passed, held, color=KEPT, alpha=0.14, linewidth=0)
    axes.plot(passed, held, color=KEPT if max(held) <= limit else MISSED, linewidth=1.5)
    axes.axhline(limit, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        f"limit {limit:g} MB", (0, limit), (6, -5), "data", "offset points",
        color=INK, fontsize=FONT, va="top",
    )  # fmt: skip
    growth = next((one for one in findings if one["name"] == "memory-growth"), None)
    told = f"peak {finding['value']:.0f} MB"
    if growth:
        told += f" · {growth['value']:+.1f} MB from the second quarter to the last"
    axes.annotate(
        told, (1, 1), (0, 8), "axes fraction", "offset points",
        color=QUIET, fontsize=FONT, ha="right",
    )  # fmt: skip
    axes.set_xlim(0, max(passed))
    axes.set_ylim(0, max(limit, *held) * 1.08)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    size = finding["raw"]["image_bytes"] / 1e6
    axes.set_xlabel(
        f"images of {size:.2f} MB fetched by the client", color=QUIET, fontsize=FONT, labelpad=8
    )
    axes.set_ylabel("resident memory of serve, MB", color=QUIET, fontsize=FONT, labelpad=8)
    axes.set_title("Memory while images pass", color=INK, fontsize=11.5, loc="left", pad=8)


def _mark(finding: Finding, kind: str) -> float | None:
    """The number of a finding's limit or goal."""
    found = (float(mark["number"]) for mark in finding["marks"] if mark["kind"] == kind)
    return next(found, None)


def _share(finding: Finding, value: float) -> float:
    """How much of the limit a value uses up; of a rate it is the limit's share of the value, and
    where there is an ideal, what is lost of it as a share of what may be lost."""
    limit = _mark(finding, "limit")
    assert limit is not None
    more_is_better = finding["marks"][0]["sign"] == ">="
    if finding["unit"] == IDEAL:
        share = (1 - value) / (1 - limit)
    else:
        share = limit / max(value, 1e-9) if more_is_better else value / limit
    return min(max(share, 0.0), 3.0)


def _shares(finding: Finding) -> tuple[float, float, float]:
    """Of the best round, of the value, of the worst round."""
    least, value, greatest = sorted(
        _share(finding, finding[key]) for key in ("least", "value", "greatest")
    )
    return least, value, greatest


def _told(finding: Finding) -> str:
    """`9.1 ms added (limit 14, goal 10)`."""
    marks = ", ".join(f"{mark['kind']} {mark['number']:g}" for mark in finding["marks"])
    told = f"{short(finding['value'])} {finding['unit'].partition(',')[0]}"
    return f"{told} ({marks})" if marks else told


if __name__ == "__main__":
    given = Path(sys.argv[1])
    draw(json.loads(given.read_text()), given.with_suffix(".png"))
