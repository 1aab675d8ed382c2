"""Stars: images that somebody wants to find again."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from safelight.api import bodies
from safelight.api.context import context_of
from safelight.api.native.images import as_it_is
from safelight.api.openapi import BODY, described
from safelight.api.paths import uuid_or_unknown

router = APIRouter(tags=["images"], prefix="/v1/images/{id}/star")
_ANSWERS = described({200: "Image"}, "not-found", "gone", *BODY)


@router.put("", operation_id="star_image", summary="Star an image", responses=_ANSWERS)
async def star_image(request: Request, id: str) -> Response:
    """In whatever state it is; `starred_at` says since when. Starring twice changes nothing.

    It is kept with the image and seen by everybody who reaches it. No event is told of it.
    """
    return await _starred(request, id, starred=True)


@router.delete("", operation_id="unstar_image", summary="Take its star away", responses=_ANSWERS)
async def unstar_image(request: Request, id: str) -> Response:
    """An image that has none stays as it is."""
    return await _starred(request, id, starred=False)


async def _starred(request: Request, id: str, *, starred: bool) -> Response:
    await bodies.none(request)
    asking = context_of(request).gateway.asking
    await asking.star_image(uuid_or_unknown(id, "image"), starred=starred)
    return await as_it_is(request, id)
