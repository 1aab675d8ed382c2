"""JSON shapes of answers about series; a test compares them with `series_answers.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from safelight.api.answer_schemas import AnswerBody, SeriesImage
from safelight.api.schemas import ImageStatus


class Images(AnswerBody):
    """A page of a series, highest index first."""

    data: list[SeriesImage]
    next_before: int | None
    has_more: bool


class Series(AnswerBody):
    """The numbered images of one character for one user."""

    user: str
    character: str
    highest: int
    """Highest reserved index, 0 for none."""
    counts: dict[ImageStatus, int]


class LatestImage(AnswerBody):
    """The newest picture of a series."""

    id: str
    index: int


class ListedSeries(Series):
    """A series in the list of all."""

    latest: LatestImage | None
    """Stored and not deleted; null where there is none."""
    updated_at: datetime
    """When images of it were last ordered."""


class SeriesList(AnswerBody):
    """A page of series, those first that were ordered from last."""

    data: list[ListedSeries]
    next_cursor: str | None
    has_more: bool


class Indices(AnswerBody):
    """Which indices of a series match."""

    highest: int
    """Highest reserved index of the series, 0 for none."""
    count: int
    """How many images match."""
    ranges: list[Annotated[list[int], Field(min_length=2, max_length=2)]]
    """From the higher index to the lower, both included, highest first."""
