"""Signed links: addresses of pictures that an application may hand to a browser."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from safelight.api import bodies
from safelight.api.answers import Json, moment, respond
from safelight.api.context import context_of
from safelight.api.links import expiry, url_until
from safelight.api.openapi import BODY, described, takes
from safelight.api.paths import uuid_or_unknown
from safelight.api.schemas import LinksRequest
from safelight.core.records import Image

router = APIRouter(tags=["links"])
_GOOD_FOR = 3600  # s


@router.post(
    "/v1/images/{id}/links",
    operation_id="link_image",
    summary="Links to a picture that need no key",
    responses=described({200: "ImageLinks"}, "not-found", *BODY),
    openapi_extra=takes("LinksRequest", required=False),
)
async def link_image(request: Request, id: str) -> Response:
    """To the file and the thumbnail, for a time. Before the image is stored they answer 404."""
    body = await bodies.perhaps(request, LinksRequest)
    found = await context_of(request).gateway.image(uuid_or_unknown(id, "image"))
    return respond(await _links(request, found.image, _expires(body)))


@router.post(
    "/v1/batches/{id}/links",
    operation_id="link_batch",
    summary="Links to a batch's pictures that need no key",
    responses=described({200: "BatchLinks"}, "not-found", *BODY),
    openapi_extra=takes("LinksRequest", required=False),
)
async def link_batch(request: Request, id: str) -> Response:
    """To the file and the thumbnail of each image; they all expire at the same moment."""
    body = await bodies.perhaps(request, LinksRequest)
    batch = await context_of(request).gateway.batch(uuid_or_unknown(id, "batch"))
    expires = _expires(body)
    links = [await _links(request, image, expires) for image in batch.images]
    return respond({"id": batch.id, "images": links, "expires_at": _moment(expires)})


def _expires(body: LinksRequest) -> int:
    return expiry(body.given().get("expires_in", _GOOD_FOR))


async def _links(request: Request, image: Image, expires: int) -> Json:
    path = f"/v1/images/{image.id}"
    return {
        "id": image.id,
        "index": image.index,
        "name": context_of(request).name(image.user, image.character, image.index),
        "url": await url_until(request, f"{path}/file", expires),
        "thumbnail_url": await url_until(request, f"{path}/thumbnail", expires),
        "expires_at": _moment(expires),
    }


def _moment(expires: int) -> str | None:
    return moment(datetime.fromtimestamp(expires, UTC))
