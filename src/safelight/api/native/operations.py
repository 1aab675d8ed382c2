"""How the service itself is: backends, health, readiness."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from safelight.api.answers import respond
from safelight.api.context import context_of
from safelight.api.fleet_answers import backend_json
from safelight.api.openapi import described
from safelight.api.problems import document, request_id_of

router = APIRouter(tags=["operations"])


@router.get(
    "/v1/backends",
    operation_id="list_backends",
    summary="The render servers",
    responses=described({200: "Backends"}, "permission-denied"),
)
async def list_backends(request: Request) -> Response:
    """By name, with their state and the reason for it, what they draw and how fast."""
    backends = await context_of(request).gateway.fleet.backends()
    return respond({"data": [backend_json(backend) for backend in backends]})


@router.post(
    "/v1/backends/{name}/drain",
    operation_id="drain_backend",
    summary="Let it take nothing more",
    responses=described({200: "Backend"}, "permission-denied", "not-found"),
)
async def drain_backend(request: Request, name: str) -> Response:
    """It ends what it has. From this answer on nothing more is sent there, until it is resumed."""
    return respond(backend_json(await context_of(request).gateway.fleet.drain(name)))


@router.post(
    "/v1/backends/{name}/resume",
    operation_id="resume_backend",
    summary="Let it take images again",
    responses=described({200: "Backend"}, "permission-denied", "not-found"),
)
async def resume_backend(request: Request, name: str) -> Response:
    """After a drain, or when a backend that was stuck has been put right: within 3 s."""
    return respond(backend_json(await context_of(request).gateway.fleet.resume(name)))


@router.get(
    "/healthz",
    operation_id="healthz",
    summary="The port is open",
    responses=described({200: "Health"}),
)
async def healthz() -> Response:
    """Asks nobody."""
    return respond({"status": "ok"})


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Whether orders are taken",
    responses=described({200: "Readiness"}, "not-ready"),
)
async def readyz(request: Request) -> Response:
    """200 when the database is writable and migrated and the worker runs; else 503.

    Backends do not count: without one, orders wait.
    """
    checks = dict(await context_of(request).gateway.checks())
    wrong = [f"{name}: {verdict}" for name, verdict in checks.items() if verdict != "ok"]
    if not wrong:
        return respond({"status": "ready", "checks": checks})
    return document(
        503,
        "not-ready",
        "; ".join(wrong),
        request_id_of(request),
        headers={"retry-after": "2"},
        checks=checks,
    )
