"""Series: the numbered images of one character for one user."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import PlainTextResponse, Response

from safelight.api.answers import Json, image_json, respond, respond_tagged
from safelight.api.context import context_of
from safelight.api.links import base_of
from safelight.api.native.filters import ImageFilters
from safelight.api.native.images import file_response
from safelight.api.openapi import FILE, described, takes
from safelight.api.paths import index_or_unknown, series_or_unknown
from safelight.api.series_answers import indices_json, series_image_json, series_json
from safelight.core.naming import index_text
from safelight.gateway import Provenance, Series

router = APIRouter(tags=["series"], prefix="/v1/series/{user}/{character}")


class ImagesPage(ImageFilters):
    """Query parameters of a series' images."""

    before: int | None = Field(None, ge=1, le=2**31 - 1)
    limit: int = Field(50, ge=1, le=200)


@router.get(
    "",
    operation_id="get_series",
    summary="Highest index and counts",
    responses=described({200: "Series"}, "not-found"),
)
async def get_series(request: Request, user: str, character: str) -> Response:
    """The highest reserved index, 0 for a series that has none, and how many images are how."""
    return respond(series_json(await _series(request, user, character)))


@router.get(
    "/index.txt",
    operation_id="get_series_index",
    summary="The highest reserved index as text",
    responses=described({200: "index"}, "not-found"),
)
async def get_series_index(request: Request, user: str, character: str) -> Response:
    """The number and a newline, `0` for a series that has none."""
    series = await _series(request, user, character)
    return PlainTextResponse(index_text(series.highest), headers={"cache-control": "no-store"})


@router.get(
    "/images",
    operation_id="list_series_images",
    summary="Images of a series, highest index first",
    responses=described({200: "Images"}, "not-found", "invalid-request"),
)
async def list_series_images(
    request: Request, user: str, character: str, page: Annotated[ImagesPage, Query()]
) -> Response:
    """A page of the images that match, below `before`; `next_before` leads to the next."""
    context = context_of(request)
    found = await context.gateway.browsing.images(
        *series_or_unknown(user, character),
        page.filters(),
        before=page.before,
        limit=page.limit,
    )
    base = base_of(request)
    following = found.items[-1].index if found.cursor is not None else None
    body: Json = {
        "data": [series_image_json(image, base, context.name) for image in found.items],
        "next_before": following,
        "has_more": following is not None,
    }
    return respond(body)


@router.get(
    "/indices",
    operation_id="list_series_indices",
    summary="Which indices match, as ranges",
    responses=described({200: "Indices"}, "not-found", "invalid-request"),
)
async def list_series_indices(
    request: Request, user: str, character: str, wanted: Annotated[ImageFilters, Query()]
) -> Response:
    """All indices whose images match, highest first: `[[13, 10], [8, 1]]`, both ends included.

    Whoever lays out a page of all images knows by them how long it is.
    """
    matched = await context_of(request).gateway.browsing.indices(
        *series_or_unknown(user, character), wanted.filters()
    )
    return respond(indices_json(matched))


@router.get(
    "/images/{index}",
    operation_id="get_series_image",
    summary="An image by its index",
    responses=described({200: "Image"}, 304, "not-found"),
)
async def get_series_image(request: Request, user: str, character: str, index: str) -> Response:
    """The same as `/v1/images/{id}`."""
    provenance = await _by_index(request, user, character, index)
    name = context_of(request).name
    return respond_tagged(request, image_json(provenance, base_of(request), name))


@router.get(
    "/images/{index}/file",
    operation_id="get_series_image_file",
    summary="The picture by its index",
    responses=described(
        {200: "image/png", 206: "image/png"},
        304,
        *(*FILE, "range-not-satisfiable"),
    ),
    openapi_extra=takes(headers=("Range", "If-Range", "If-None-Match")),
)
async def get_series_image_file(
    request: Request, user: str, character: str, index: str
) -> Response:
    """The same as `/v1/images/{id}/file`; HEAD tells whether it is there without a download."""
    provenance = await _by_index(request, user, character, index)
    return await file_response(request, provenance.image.id)


async def _series(request: Request, user: str, character: str) -> Series:
    return await context_of(request).gateway.browsing.one(*series_or_unknown(user, character))


async def _by_index(request: Request, user: str, character: str, index: str) -> Provenance:
    return await context_of(request).gateway.image_by_index(
        *series_or_unknown(user, character),
        index_or_unknown(index),
    )
