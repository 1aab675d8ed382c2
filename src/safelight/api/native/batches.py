"""Ordering batches and looking at them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from safelight.api import bodies
from safelight.api.answers import batch_json, respond, respond_tagged, tag_for_a_while
from safelight.api.context import context_of
from safelight.api.headers import (
    idempotency_key,
    names_tag,
    preferred_wait,
    rate_limits,
    traceresponse,
)
from safelight.api.links import base_of
from safelight.api.native.pages import PagedSeries, respond_page
from safelight.api.openapi import BODY, described, takes
from safelight.api.paths import uuid_or_unknown
from safelight.api.schemas import BatchRequest, BatchStatus
from safelight.core.states import ENDED

router = APIRouter(tags=["batches"])
UNORDERABLE: Final = (
    *("invalid-request", "unknown-character", "unknown-style", "unknown-workflow", "no-workflow"),
    *("parameter-without-slot", "bad-user", "bad-id", "bad-seed", "bad-embedding", "bad-slot"),
    *("bad-webhook-url", "no-webhook-secret", "unknown-event"),
)
"""What can be wrong with an order."""
_SCOPE: Final = "POST /v1/batches"
"""What an idempotency key is for; the gateway adds whose it is."""


class BatchFilters(PagedSeries):
    """Query parameters of the list."""

    status: BatchStatus | None = None


@router.post(
    "/v1/batches",
    operation_id="create_batch",
    summary="Order images",
    status_code=201,
    responses=described(
        {201: "Batch", 200: "Batch"},
        *("not-json", "permission-denied", "rate-limited", "too-many-queued"),
        *("bad-idempotency-key", "idempotency-key-reused"),
        *UNORDERABLE,
    ),
    openapi_extra=takes("BatchRequest", headers=("Idempotency-Key", "Prefer", "traceparent")),
)
async def create_batch(request: Request) -> Response:
    """Reserve indices and order `quantity` different images.

    The same Idempotency-Key with the same body answers 200 with the same batch as it is now.
    `Prefer: wait=n` waits at most n seconds for the batch's end.
    """
    context = context_of(request)
    key = idempotency_key(request.headers.get("idempotency-key"))
    body, document = await bodies.read(request, BatchRequest)
    fingerprint = bodies.fingerprint(document) if key is not None else ""
    base = base_of(request)
    caller = request.headers.get("traceparent")
    ordered = await context.gateway.order(
        replace(body.order(base), traceparent=caller),
        key=key,
        fingerprint=fingerprint,
        scope=_SCOPE,
    )
    batch = ordered.batch
    headers = {"location": f"{base}/v1/batches/{batch.id}", **rate_limits(ordered.quotas)}
    if ordered.replayed:
        headers["idempotency-replayed"] = "true"
    else:
        headers |= traceresponse(batch.traceparent, caller)
    wait = preferred_wait(request.headers.getlist("prefer"))
    if wait is not None:
        headers["preference-applied"] = f"wait={wait}"
        batch = await context.gateway.batch_after(batch, wait)
    return respond(batch_json(batch, base, context.name), 200 if ordered.replayed else 201, headers)


@router.get(
    "/v1/batches",
    operation_id="list_batches",
    summary="List batches, newest first",
    responses=described({200: "Batches"}, "invalid-request"),
)
async def list_batches(request: Request, filters: Annotated[BatchFilters, Query()]) -> Response:
    """A page of batches; `next_cursor` leads to the next."""
    context = context_of(request)
    page = await context.gateway.batches(**filters.model_dump())
    base = base_of(request)
    return respond_page(
        request, page, [batch_json(batch, base, context.name) for batch in page.items]
    )


@router.get(
    "/v1/batches/{id}",
    operation_id="get_batch",
    summary="A batch as it is now",
    responses=described({200: "Batch"}, 304, "not-found"),
)
async def get_batch(request: Request, id: str) -> Response:
    """Polling is cheap: send the ETag back as If-None-Match and get 304 until something changed.

    When a batch is expected (`eta`, `place`, `held`) is worked out anew every ten seconds for
    those who poll so.
    """
    context = context_of(request)
    base = base_of(request)
    batch = await context.gateway.batch(uuid_or_unknown(id, "batch"))
    body = batch_json(batch, base, context.name)
    if batch.status in ENDED:
        return respond_tagged(request, body)
    # What is expected changes all the time and is asked for only if it will be sent.
    headers = {"etag": tag_for_a_while(body), "cache-control": "no-cache", "retry-after": "1"}
    if names_tag(request.headers.get("if-none-match"), headers["etag"].removeprefix("W/")):
        return Response(status_code=304, headers=headers)
    expected = await context.gateway.outlook(batch)
    return respond(batch_json(batch, base, context.name, expected), headers=headers)


@router.post(
    "/v1/batches/{id}/cancel",
    operation_id="cancel_batch",
    summary="Cancel what is unfinished",
    responses=described(
        {200: "Batch"},
        "not-found",
        "already-stored",
        "already-failed",
        *BODY,
    ),
)
async def cancel_batch(request: Request, id: str) -> Response:
    """Stored images stay. Queued ones are canceled at once, those at a backend when it has let go.

    Answers with the batch as it is now; canceling twice changes nothing. 409 when all images are
    stored or have failed. A picture that is whole before the cancel got through is kept.
    """
    await bodies.none(request)
    gateway = context_of(request).gateway
    await gateway.asking.cancel_batch(uuid_or_unknown(id, "batch"))
    return await _as_it_is(request, id)


@router.post(
    "/v1/batches/{id}/retry",
    operation_id="retry_batch",
    summary="Try failed images again",
    responses=described({200: "Batch"}, "not-found", "nothing-to-retry", "erased", *BODY),
)
async def retry_batch(request: Request, id: str) -> Response:
    """The same indices with new seeds, misfortunes forgotten, and a deadline counted from now.

    Answers with the batch as it is now; its end will be told again. 409 when nothing has failed.
    """
    await bodies.none(request)
    gateway = context_of(request).gateway
    await gateway.asking.retry_batch(uuid_or_unknown(id, "batch"))
    return await _as_it_is(request, id)


async def _as_it_is(request: Request, id: str) -> Response:
    context = context_of(request)
    batch = await context.gateway.batch(id)
    return respond(batch_json(batch, base_of(request), context.name))
