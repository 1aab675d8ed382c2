"""Lists that are read page by page: what is asked for, and the way to the next page."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from safelight.api.answers import Json, respond
from safelight.api.links import base_of
from safelight.gateway import Page


class Paged(BaseModel):
    """Query parameters of any such list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, min_length=1, max_length=500, pattern=r"^[!-~]+$")


class PagedSeries(Paged):
    """And whose series."""

    user: str | None = Field(None, max_length=64)
    character: str | None = Field(None, max_length=64)


def respond_page(request: Request, page: Page, data: list[Json]) -> Response:
    """A page; the next one is in its body as a cursor, and as a whole address in `Link`."""
    body: Json = {"data": data, "next_cursor": page.cursor, "has_more": page.cursor is not None}
    headers = {}
    if page.cursor is not None:
        following = request.url.include_query_params(cursor=page.cursor).query
        address = f"{base_of(request)}{request.url.path}"
        headers["link"] = f'<{address}?{following}>; rel="next"'
    return respond(body, headers=headers)
