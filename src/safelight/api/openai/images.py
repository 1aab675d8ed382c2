"""Pictures: ordered and waited for in one request."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from safelight.api.openai.answering import Answer
from safelight.api.openai.describing import described
from safelight.api.openai.errors import NotOffered
from safelight.api.openai.requests import read
from safelight.api.openapi import takes

router = APIRouter(tags=["openai"])
_WRONG = (
    *("invalid_value", "missing_required_parameter", "not_json", "permission_denied"),
    *("model_not_found", "idempotency_key_reused", "rate_limit_exceeded", "insufficient_quota"),
    "queue_full",
)
_NOT_MADE = (
    *("gone", "batch_failed", "batch_partial", "batch_canceled", "still_running", "store_away"),
)


@router.post(
    "/openai/v1/images/generations",
    operation_id="openai_create_images",
    summary="Pictures, in the words of the OpenAI API",
    responses=described("OpenAIImages", *_WRONG, *_NOT_MADE, stream=True),
    openapi_extra=takes("ImagesRequest", headers=("Idempotency-Key",)),
)
async def create_images(request: Request) -> Response:
    """`n` different images of a character, answered when all are stored, highest index first.

    After `x-stainless-read-timeout` less 15 s, 540 s at most, 503 `still_running`: the same request
    sent again (`x-stainless-retry-count`) waits on for the same batch. Fewer than `n` are never an
    answer. With `stream` each comes as an event as soon as it is stored.
    """
    return Answer(request, await read(request))


@router.post(
    "/openai/v1/images/edits",
    operation_id="openai_edit_images",
    summary="Not offered",
    responses=described(None, "not_offered"),
)
async def edit_images(request: Request) -> Response:
    """Pictures are made of characters here, not of other pictures. The body is not read."""
    raise NotOffered(
        "images.edit is not offered: pictures are made of characters, not of other pictures. "
        "Order new ones with images.generate."
    )
