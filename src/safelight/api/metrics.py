"""Metrics as text: at `/metrics` of the API, and alone on the port of a worker that has no API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter, Request
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from safelight.api.context import context_of
from safelight.api.openapi import described

router = APIRouter(tags=["operations"])
_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_HEADERS: Final = {"cache-control": "no-store"}


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Metrics for Prometheus",
    responses=described({200: "metrics"}, "permission-denied"),
)
async def metrics(request: Request) -> Response:
    """How this process and the whole system are doing, in Prometheus' text format."""
    text = await context_of(request).gateway.metrics()
    return Response(text, media_type=_TYPE, headers=_HEADERS)


def metrics_app(text: Callable[[], Awaitable[bytes]]) -> Starlette:
    """An ASGI application that answers `GET /metrics` with this text and knows nothing else."""

    async def answer(_: Request) -> Response:
        return Response(await text(), media_type=_TYPE, headers=_HEADERS)

    return Starlette(routes=[Route("/metrics", answer)])
