"""Series and what is in them as JSON; `answer_schemas.py` describes the same."""

from __future__ import annotations

from safelight.api.answers import Json, Namer, member_json, moment
from safelight.api.links import Base
from safelight.core.records import Image, ListedSeries
from safelight.core.selecting import Matched
from safelight.gateway import Series


def series_json(series: Series) -> Json:
    """A series: its highest index and how many images are how."""
    return {
        "user": series.user,
        "character": series.character,
        "highest": series.highest,
        "counts": dict(series.counts),
    }


def listed_series_json(series: ListedSeries) -> Json:
    """A series in the list of all."""
    latest = series.latest
    return {
        "user": series.user,
        "character": series.character,
        "highest": series.highest,
        "counts": dict(series.counts),
        "latest": {"id": latest[0], "index": latest[1]} if latest else None,
        "updated_at": moment(series.ordered_at),
    }


def series_image_json(image: Image, base: Base, name: Namer) -> Json:
    """An image in the list of its series."""
    return {**member_json(image, base, name), "batch": image.batch}


def indices_json(matched: Matched) -> Json:
    """Which indices of a series match."""
    return {
        "highest": matched.highest,
        "count": matched.count,
        "ranges": [[high, low] for high, low in matched.ranges],
    }
