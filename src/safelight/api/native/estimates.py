"""Estimates: when an order would be there, before it is given."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from safelight.api import bodies
from safelight.api.answers import estimate_json, respond
from safelight.api.context import context_of
from safelight.api.links import base_of
from safelight.api.native.batches import UNORDERABLE
from safelight.api.openapi import described, takes
from safelight.api.schemas import BatchRequest

router = APIRouter(tags=["batches"])


@router.post(
    "/v1/estimates",
    operation_id="estimate_batch",
    summary="When an order would be there",
    responses=described(
        {200: "Estimate"}, "not-json", "permission-denied", "too-many-queued", *UNORDERABLE
    ),
    openapi_extra=takes("BatchRequest"),
)
async def estimate_batch(request: Request) -> Response:
    """If it was given now, from the same forecast as `eta` of a batch. Nothing is reserved.

    What would be refused as an order is refused here as well, but for quotas, which are not asked
    and not counted.
    """
    body, _ = await bodies.read(request, BatchRequest)
    estimate = await context_of(request).gateway.estimate(body.order(base_of(request)))
    return respond(estimate_json(estimate))
