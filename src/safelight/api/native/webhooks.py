"""Webhooks: who is told of what happens, and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from safelight.api import bodies
from safelight.api.answers import respond
from safelight.api.context import context_of
from safelight.api.links import base_of
from safelight.api.native.pages import Paged, respond_page
from safelight.api.openapi import BODY, described, takes
from safelight.api.paths import uuid_or_unknown
from safelight.api.schemas import DeliveryStatus, WebhookRequest
from safelight.api.webhook_answers import delivery_json, webhook_json

router = APIRouter(tags=["webhooks"])


class DeliveryFilters(Paged):
    """Query parameters of the list."""

    status: DeliveryStatus | None = None


@router.post(
    "/v1/webhooks",
    operation_id="create_webhook",
    summary="Be told of all batches",
    status_code=201,
    responses=described(
        {201: "SecretWebhook"},
        "permission-denied",
        *BODY,
        "too-many-webhooks",
        "bad-webhook-url",
        "bad-webhook-secret",
        "unknown-event",
    ),
    openapi_extra=takes("WebhookRequest"),
)
async def create_webhook(request: Request) -> Response:
    """Of what happens from now on. The answer shows the secret, no other does."""
    body, _ = await bodies.read(request, WebhookRequest)
    base = base_of(request)
    webhooks = context_of(request).gateway.webhooks
    kept, secret = await webhooks.subscribe(body.webhook(base), body.given().get("secret"))
    headers = {"location": f"{base}/v1/webhooks/{kept.id}"}
    return respond({**webhook_json(kept), "secret": secret}, 201, headers)


@router.get(
    "/v1/webhooks",
    operation_id="list_webhooks",
    summary="Who is told of all batches",
    responses=described({200: "Webhooks"}, "permission-denied"),
)
async def list_webhooks(request: Request) -> Response:
    """Oldest first; a batch's own webhook is not among them."""
    found = await context_of(request).gateway.webhooks.subscriptions()
    return respond({"data": [webhook_json(one) for one in found]})


@router.get(
    "/v1/webhooks/{id}",
    operation_id="get_webhook",
    summary="A webhook",
    responses=described({200: "Webhook"}, "permission-denied", "not-found"),
)
async def get_webhook(request: Request, id: str) -> Response:
    """`disabled` is one that answered 410; make another one to be told again."""
    webhooks = context_of(request).gateway.webhooks
    return respond(webhook_json(await webhooks.subscription(uuid_or_unknown(id, "webhook"))))


@router.delete(
    "/v1/webhooks/{id}",
    operation_id="delete_webhook",
    summary="Be told no more",
    status_code=204,
    responses=described({}, 204, "permission-denied", "not-found"),
)
async def delete_webhook(request: Request, id: str) -> Response:
    """What was still to be sent is forgotten, too."""
    await context_of(request).gateway.webhooks.unsubscribe(uuid_or_unknown(id, "webhook"))
    return Response(status_code=204)


@router.post(
    "/v1/webhooks/{id}/rotate",
    operation_id="rotate_webhook",
    summary="Give a webhook a new secret",
    responses=described({200: "SecretWebhook"}, "permission-denied", "not-found", *BODY),
)
async def rotate_webhook(request: Request, id: str) -> Response:
    """The answer shows it, no other does. The one before signs too, for 24 hours."""
    await bodies.none(request)
    webhooks = context_of(request).gateway.webhooks
    kept, secret = await webhooks.rotate(uuid_or_unknown(id, "webhook"))
    return respond({**webhook_json(kept), "secret": secret})


@router.get(
    "/v1/webhooks/{id}/deliveries",
    operation_id="list_deliveries",
    summary="What a webhook was told",
    responses=described({200: "Deliveries"}, "permission-denied", "not-found", "invalid-request"),
)
async def list_deliveries(
    request: Request, id: str, filters: Annotated[DeliveryFilters, Query()]
) -> Response:
    """Newest first, with what became of it; `next_cursor` leads to the next page."""
    webhooks = context_of(request).gateway.webhooks
    page = await webhooks.deliveries(uuid_or_unknown(id, "webhook"), **filters.model_dump())
    return respond_page(request, page, [delivery_json(one) for one in page.items])


@router.post(
    "/v1/webhooks/{id}/deliveries/{delivery}/redeliver",
    operation_id="redeliver",
    summary="Tell it again",
    responses=described(
        {200: "Delivery"},
        "permission-denied",
        "not-found",
        "webhook-disabled",
        *BODY,
    ),
)
async def redeliver(request: Request, id: str, delivery: str) -> Response:
    """At once, under the same `webhook-id`, with all tries before it."""
    await bodies.none(request)
    found = await context_of(request).gateway.webhooks.redeliver(
        uuid_or_unknown(id, "webhook"), uuid_or_unknown(delivery, "delivery")
    )
    return respond(delivery_json(found))


@router.get(
    "/v1/batches/{id}/deliveries",
    operation_id="list_batch_deliveries",
    summary="What a batch's own webhook was told",
    responses=described({200: "Deliveries"}, "not-found", "invalid-request"),
)
async def list_batch_deliveries(
    request: Request, id: str, filters: Annotated[DeliveryFilters, Query()]
) -> Response:
    """Newest first; empty for a batch without one."""
    id = uuid_or_unknown(id, "batch")
    webhooks = await context_of(request).gateway.webhooks_of(id)
    page = await webhooks.deliveries_of_batch(id, **filters.model_dump())
    return respond_page(request, page, [delivery_json(one) for one in page.items])


@router.post(
    "/v1/batches/{id}/deliveries/{delivery}/redeliver",
    operation_id="redeliver_of_batch",
    summary="Tell a batch's own webhook again",
    responses=described({200: "Delivery"}, "not-found", "webhook-disabled", *BODY),
)
async def redeliver_of_batch(request: Request, id: str, delivery: str) -> Response:
    """At once, under the same `webhook-id`, with all tries before it."""
    await bodies.none(request)
    id = uuid_or_unknown(id, "batch")
    webhooks = await context_of(request).gateway.webhooks_of(id)
    found = await webhooks.redeliver_of_batch(id, uuid_or_unknown(delivery, "delivery"))
    return respond(delivery_json(found))
