"""All series that somebody reaches."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from safelight.api.context import context_of
from safelight.api.native.pages import PagedSeries, respond_page
from safelight.api.openapi import described
from safelight.api.series_answers import listed_series_json

router = APIRouter(tags=["series"])


@router.get(
    "/v1/series",
    operation_id="list_series",
    summary="Series, those first that were ordered from last",
    responses=described({200: "SeriesList"}, "invalid-request"),
)
async def list_series(request: Request, wanted: Annotated[PagedSeries, Query()]) -> Response:
    """A page of the series that have images; `next_cursor` leads to the next.

    `latest` is the newest picture that is stored and was not deleted.
    """
    page = await context_of(request).gateway.browsing.all(**wanted.model_dump())
    return respond_page(request, page, [listed_series_json(series) for series in page.items])
