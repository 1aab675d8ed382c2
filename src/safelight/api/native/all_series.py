"""All series that somebody reaches."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from safelight.api.answers import Json, respond
from safelight.api.context import context_of
from safelight.api.links import base_of
from safelight.api.openapi import described
from safelight.api.series_answers import listed_series_json

router = APIRouter(tags=["series"])


class SeriesPage(BaseModel):
    """Query parameters of the list."""

    model_config = ConfigDict(extra="forbid")

    user: str | None = Field(None, max_length=64)
    character: str | None = Field(None, max_length=64)
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, min_length=1, max_length=500, pattern=r"^[!-~]+$")


@router.get(
    "/v1/series",
    operation_id="list_series",
    summary="Series, those first that were ordered from last",
    responses=described({200: "SeriesList"}, "invalid-request"),
)
async def list_series(request: Request, wanted: Annotated[SeriesPage, Query()]) -> Response:
    """A page of the series that have images; `next_cursor` leads to the next.

    `latest` is the newest picture that is stored and was not deleted.
    """
    page = await context_of(request).gateway.browsing.all(**wanted.model_dump())
    body: Json = {
        "data": [listed_series_json(series) for series in page.items],
        "next_cursor": page.cursor,
        "has_more": page.cursor is not None,
    }
    headers = {}
    if page.cursor is not None:
        following = request.url.include_query_params(cursor=page.cursor).query
        headers["link"] = f'<{base_of(request)}/v1/series?{following}>; rel="next"'
    return respond(body, headers=headers)
