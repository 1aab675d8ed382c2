"""Workflows: ComfyUI graphs. Those in the settings file are read-only here."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from safelight.api import bodies
from safelight.api.answers import (
    report_json,
    respond,
    respond_tagged,
    workflow_json,
    workflow_summary_json,
)
from safelight.api.context import context_of
from safelight.api.links import base_of
from safelight.api.openapi import BODY, described, takes
from safelight.api.paths import id_or_unknown
from safelight.api.schemas import WorkflowRequest
from safelight.core.naming import check_id

router = APIRouter(tags=["workflows"])
_REFUSED: Final = ("bad-slot", "bad-workflow", "workflow-ui-format")


class ResumeWhere(BaseModel):
    """Query parameters of a resumption."""

    model_config = ConfigDict(extra="forbid")

    pool: str | None = Field(None, min_length=1, max_length=64)


@router.get(
    "/v1/workflows",
    operation_id="list_workflows",
    summary="All workflows",
    responses=described({200: "Workflows"}, "permission-denied"),
)
async def list_workflows(request: Request) -> Response:
    """By id, without their graphs."""
    kept = await context_of(request).gateway.shelf.workflows()
    return respond({"data": [workflow_summary_json(one) for one in kept]})


@router.post(
    "/v1/workflow-checks",
    operation_id="check_workflow",
    summary="Check a workflow",
    responses=described({200: "WorkflowCheck"}, "permission-denied", *BODY, *_REFUSED),
    openapi_extra=takes("WorkflowRequest"),
)
async def check_workflow(request: Request) -> Response:
    """As it is checked before it is kept, and refused for the same reasons. Nothing is kept."""
    body, _ = await bodies.read(request, WorkflowRequest)
    shelf = context_of(request).gateway.shelf
    _, report = shelf.check_workflow(body.graph, body.given().get("slots", {}))
    return respond({"report": report_json(report)})


@router.get(
    "/v1/workflows/{id}",
    operation_id="get_workflow",
    summary="A workflow",
    responses=described({200: "Workflow"}, 304, "permission-denied", "not-found"),
)
async def get_workflow(request: Request, id: str) -> Response:
    """With its graph and what its check found."""
    kept, report = await context_of(request).gateway.shelf.workflow(id_or_unknown(id, "workflow"))
    return respond_tagged(request, workflow_json(kept, report))


@router.put(
    "/v1/workflows/{id}",
    operation_id="put_workflow",
    summary="Check and keep a workflow",
    status_code=200,
    responses=described(
        {200: "Workflow", 201: "Workflow"},
        "permission-denied",
        *BODY,
        "read-only",
        "bad-id",
        *_REFUSED,
    ),
    openapi_extra=takes("WorkflowRequest"),
)
async def put_workflow(request: Request, id: str) -> Response:
    """A graph that would hurt a backend, or has no seed or output, is refused with the reason."""
    check_id(id, "{id}")
    body, _ = await bodies.read(request, WorkflowRequest)
    given = body.given()
    kept, report, new = await context_of(request).gateway.shelf.put_workflow(
        id, body.graph, given.get("slots", {}), given.get("exact_size", False)
    )
    headers = {"location": f"{base_of(request)}/v1/workflows/{id}"} if new else None
    return respond(workflow_json(kept, report), 201 if new else 200, headers)


@router.post(
    "/v1/workflows/{id}/resume",
    operation_id="resume_workflow",
    summary="Let a held workflow be drawn again",
    responses=described(
        {200: "ResumedWorkflow"}, "permission-denied", "not-found", "invalid-request"
    ),
)
async def resume_workflow(
    request: Request, id: str, where: Annotated[ResumeWhere, Query()]
) -> Response:
    """In one pool, or wherever it is held because backends died under it. What waits is drawn."""
    id = id_or_unknown(id, "workflow")
    pools = await context_of(request).gateway.resume_workflow(id, where.pool)
    return respond({"id": id, "pools": list(pools)})


@router.delete(
    "/v1/workflows/{id}",
    operation_id="delete_workflow",
    summary="Forget a workflow",
    status_code=204,
    responses=described({}, 204, "permission-denied", "not-found", "in-use", "read-only"),
)
async def delete_workflow(request: Request, id: str) -> Response:
    """Batches already ordered are drawn all the same."""
    await context_of(request).gateway.shelf.delete_workflow(id_or_unknown(id, "workflow"))
    return Response(status_code=204)
