"""Copies at publishers: how they are, and trying again those that have failed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from safelight.api import bodies
from safelight.api.answers import batch_json, image_json, respond
from safelight.api.context import context_of
from safelight.api.fleet_answers import publisher_json
from safelight.api.links import base_of
from safelight.api.openapi import BODY, described
from safelight.api.paths import uuid_or_unknown

router = APIRouter(tags=["publishers"])


@router.get(
    "/v1/publishers",
    operation_id="list_publishers",
    summary="Where copies go",
    responses=described({200: "Publishers"}, "permission-denied"),
)
async def list_publishers(request: Request) -> Response:
    """Those of the settings, then others that images still name, with how their copies are."""
    publishers = await context_of(request).gateway.copies.publishers()
    return respond({"data": [publisher_json(one) for one in publishers]})


@router.post(
    "/v1/publishers/{name}/retry",
    operation_id="retry_publisher",
    summary="Try all its failed copies again",
    responses=described({200: "RetriedPublisher"}, "permission-denied", "not-found", *BODY),
)
async def retry_publisher(request: Request, name: str) -> Response:
    """After its secret, its quota or its network was put right. `asked` may be 0."""
    await bodies.none(request)
    state, asked = await context_of(request).gateway.copies.retry_publisher(name)
    return respond({**publisher_json(state), "asked": asked})


@router.post(
    "/v1/images/{id}/publications/retry",
    operation_id="retry_image_publications",
    summary="Try an image's failed copies again",
    responses=described({200: "Image"}, "not-found", "nothing-to-retry", *BODY),
)
async def retry_image_publications(request: Request, id: str) -> Response:
    """At every publisher where its copy has failed. 409 when none has."""
    await bodies.none(request)
    context, id = context_of(request), uuid_or_unknown(id, "image")
    await context.gateway.asking.copy_image_again(id)
    provenance = await context.gateway.image(id)
    return respond(image_json(provenance, base_of(request), context.name))


@router.post(
    "/v1/batches/{id}/publications/retry",
    operation_id="retry_batch_publications",
    summary="Try a batch's failed copies again",
    responses=described({200: "Batch"}, "not-found", "nothing-to-retry", *BODY),
)
async def retry_batch_publications(request: Request, id: str) -> Response:
    """All its images at every publisher where a copy has failed. 409 when none has."""
    await bodies.none(request)
    context, id = context_of(request), uuid_or_unknown(id, "batch")
    await context.gateway.asking.copy_batch_again(id)
    batch = await context.gateway.batch(id)
    return respond(batch_json(batch, base_of(request), context.name))
