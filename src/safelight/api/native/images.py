"""Images: what is known of them, their bytes and their small copies."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from safelight.api import bodies
from safelight.api.answers import image_json, respond, respond_tagged
from safelight.api.context import Context, context_of
from safelight.api.headers import Span, Unsatisfiable, byte_range, names_tag, still_that
from safelight.api.links import base_of
from safelight.api.openapi import BODY, FILE, SIGNATURE, SIGNED, described, takes
from safelight.api.paths import uuid_or_unknown
from safelight.api.problems import RangeNotSatisfiable, answer, request_id_of
from safelight.core.errors import NoPreview
from safelight.core.records import Image, StoredFile

router = APIRouter(tags=["images"])
_AT_ONCE: Final = 256 * 1024  # bytes; a stream costs more than it saves below that
# Private: a shared cache must not hand one user's picture to another. The bytes never change.
_IMMUTABLE: Final = "private, max-age=31536000, immutable"
_HARMLESS: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
}


class ThumbnailSize(BaseModel):
    """Query parameters of a thumbnail."""

    model_config = ConfigDict(extra="forbid")

    width: int = Field(320, ge=16, le=2048)


class PreviewWanted(BaseModel):
    """Query parameters of a preview."""

    model_config = ConfigDict(extra="forbid")

    n: int = Field(0, ge=0, lt=2**63)
    """Any number: the latest is answered. Another one makes a browser fetch it anew."""
    quiet: Literal["true", "false"] = "false"
    """That there is none is no problem: a browser notes each in its console."""


class Removal(BaseModel):
    """Query parameters of a deletion."""

    model_config = ConfigDict(extra="forbid")

    publications: Literal["true", "false"] = "false"
    """Also the copies at publishers."""


@router.get(
    "/v1/images/{id}",
    operation_id="get_image",
    summary="An image and how it came to be",
    responses=described({200: "Image"}, 304, "not-found"),
)
async def get_image(request: Request, id: str) -> Response:
    """Everything that is known of an image: seed, backend, attempts, hashes, timings."""
    context = context_of(request)
    provenance = await context.gateway.image(uuid_or_unknown(id, "image"))
    return respond_tagged(request, image_json(provenance, base_of(request), context.name))


@router.get(
    "/v1/images/{id}/file",
    operation_id="get_image_file",
    summary="The picture",
    responses=described(
        {200: "image/png", 206: "image/png"},
        304,
        *(*SIGNATURE, *FILE, "range-not-satisfiable"),
    ),
    openapi_extra=takes(headers=("Range", "If-Range", "If-None-Match"), query=SIGNED),
)
async def get_image_file(request: Request, id: str) -> Response:
    """The bytes of a stored image, whole or a range; they never change."""
    return await file_response(request, uuid_or_unknown(id, "image"))


@router.get(
    "/v1/images/{id}/thumbnail",
    operation_id="get_image_thumbnail",
    summary="A small copy",
    responses=described({200: "image/webp"}, 304, *SIGNATURE, *FILE, "invalid-request"),
    openapi_extra=takes(headers=("If-None-Match",), query=SIGNED),
)
async def get_image_thumbnail(
    request: Request, id: str, size: Annotated[ThumbnailSize, Query()]
) -> Response:
    """A WebP at most `width` pixels wide."""
    context = context_of(request)
    _, file = await context.gateway.stored(uuid_or_unknown(id, "image"))
    headers = {
        "etag": f'"sha256-{file.sha256}-{size.width}"',
        "cache-control": _IMMUTABLE,
        **_HARMLESS,
    }
    if names_tag(request.headers.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    content = await context.gateway.thumbnail(file, size.width)
    return Response(content, headers=headers, media_type="image/webp")


@router.get(
    "/v1/images/{id}/preview",
    operation_id="get_image_preview",
    summary="How it looks while it is drawn",
    responses=described(
        {200: "image/webp"}, 204, 304, "not-found", "no-preview", "invalid-request"
    ),
    openapi_extra=takes(headers=("If-None-Match",)),
)
async def get_image_preview(
    request: Request, id: str, wanted: Annotated[PreviewWanted, Query()]
) -> Response:
    """The latest preview, a WebP of at most 320 x 320 pixels; gone when the image ends.

    Previews are made while somebody listens to the events of the image's batch, or to those of all.
    With `quiet=true` the answer is 204 where there is none, instead of 404 `no-preview`.
    """
    gateway = context_of(request).gateway
    try:
        number, content = await gateway.preview(uuid_or_unknown(id, "image"))
    except NoPreview:
        if wanted.quiet == "false":
            raise
        return Response(status_code=204, headers={"cache-control": "no-store"})
    headers = {"etag": f'"{number}"', "cache-control": "no-store", **_HARMLESS}
    if names_tag(request.headers.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="image/webp")


@router.delete(
    "/v1/images/{id}",
    operation_id="delete_image",
    summary="Delete a picture",
    responses=described({200: "Image"}, "not-found", "not-finished", *BODY),
)
async def delete_image(request: Request, id: str, what: Annotated[Removal, Query()]) -> Response:
    """File and thumbnail are gone and answer 410; the index stays taken, the batch as it is.

    With `publications=true` its copies at publishers are taken away, too, in the background.
    Deleting twice is as good as once; an image that has failed or was canceled stays as it is. 409
    while it is not finished.
    """
    await bodies.none(request)
    asking = context_of(request).gateway.asking
    also = what.publications == "true"
    await asking.delete_image(uuid_or_unknown(id, "image"), publications=also)
    return await as_it_is(request, id)


@router.post(
    "/v1/images/{id}/cancel",
    operation_id="cancel_image",
    summary="Cancel an image",
    responses=described(
        {200: "Image"},
        "not-found",
        "already-stored",
        "already-failed",
        *BODY,
    ),
)
async def cancel_image(request: Request, id: str) -> Response:
    """A queued image is canceled at once, one at a backend when the backend has let go of it.

    Answers with the image as it is now, perhaps still `dispatched`; canceling twice changes
    nothing. 409 when it is stored or has failed. A picture that is whole before is kept.
    """
    await bodies.none(request)
    gateway = context_of(request).gateway
    await gateway.asking.cancel_image(uuid_or_unknown(id, "image"))
    return await as_it_is(request, id)


@router.post(
    "/v1/images/{id}/retry",
    operation_id="retry_image",
    summary="Try a failed image again",
    responses=described({200: "Image"}, "not-found", "nothing-to-retry", "erased", *BODY),
)
async def retry_image(request: Request, id: str) -> Response:
    """The same index with a new seed, misfortunes forgotten; the batch's deadline counts from now.

    409 when it has not failed.
    """
    await bodies.none(request)
    gateway = context_of(request).gateway
    await gateway.asking.retry_image(uuid_or_unknown(id, "image"))
    return await as_it_is(request, id)


async def file_response(request: Request, id: str) -> Response:
    """A stored image's bytes, as the request's headers ask for them.

    Raises:
        Unknown, NotStored, Gone: see `Gateway.stored`.
    """
    context = context_of(request)
    image, file = await context.gateway.stored(id)
    tag = f'"sha256-{file.sha256}"'
    headers = {"etag": tag, "cache-control": _IMMUTABLE, "accept-ranges": "bytes", **_HARMLESS}
    if names_tag(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    try:
        span = _asked_range(request, file, tag)
    except Unsatisfiable:
        refusal = RangeNotSatisfiable(f"The file has {file.bytes} bytes.")
        size = {"content-range": f"bytes */{file.bytes}"}
        return answer(refusal, request_id_of(request), size)
    headers["content-disposition"] = _disposition(context, image)
    return await _bytes(request, file, span, headers)


async def as_it_is(request: Request, id: str) -> Response:
    """An image now that something was done with it. Raises `Unknown`."""
    context = context_of(request)
    provenance = await context.gateway.image(id)
    return respond(image_json(provenance, base_of(request), context.name))


def _asked_range(request: Request, file: StoredFile, tag: str) -> Span | None:
    if request.scope["safelight.head"] or not still_that(request.headers.get("if-range"), tag):
        return None
    return byte_range(request.headers.get("range"), file.bytes)


def _disposition(context: Context, image: Image) -> str:
    name = context.name(image.user, image.character, image.index)
    plain = name.encode("ascii", "replace").decode().replace("\\", "_").replace('"', "_")
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _bytes(
    request: Request, file: StoredFile, span: Span | None, headers: dict[str, str]
) -> Response:
    part = span or Span(0, file.bytes)
    headers["content-length"] = str(part.end - part.start)
    if span:
        headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{file.bytes}"
    status = 206 if span else 200
    if request.scope["safelight.head"]:
        return Response(status_code=status, headers=headers, media_type=file.content_type)
    pieces = context_of(request).gateway.read(file, part.start, part.end)
    if part.end - part.start <= _AT_ONCE:
        content = b"".join([piece async for piece in pieces])
        return Response(content, status, headers, file.content_type)
    return StreamingResponse(pieces, status, headers, file.content_type)
