"""Characters: named subjects. Those in the settings file are read-only here."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from safelight.api import bodies
from safelight.api.answers import character_json, respond, respond_tagged
from safelight.api.context import context_of
from safelight.api.links import base_of
from safelight.api.openapi import BODY, described, takes
from safelight.api.paths import id_or_unknown
from safelight.api.schemas import CharacterRequest
from safelight.core.naming import check_id

router = APIRouter(tags=["characters"])


@router.get(
    "/v1/characters",
    operation_id="list_characters",
    summary="All characters",
    responses=described({200: "Characters"}),
)
async def list_characters(request: Request) -> Response:
    """By id."""
    kept = await context_of(request).gateway.characters()
    return respond({"data": [character_json(one) for one in kept]})


@router.get(
    "/v1/characters/{id}",
    operation_id="get_character",
    summary="A character",
    responses=described({200: "Character"}, 304, "not-found"),
)
async def get_character(request: Request, id: str) -> Response:
    """What it does not say is null."""
    kept = await context_of(request).gateway.character(id_or_unknown(id, "character"))
    return respond_tagged(request, character_json(kept))


@router.put(
    "/v1/characters/{id}",
    operation_id="put_character",
    summary="Keep a character",
    status_code=200,
    responses=described(
        {200: "Character", 201: "Character"},
        "permission-denied",
        *BODY,
        "read-only",
        "bad-id",
    ),
    openapi_extra=takes("CharacterRequest"),
)
async def put_character(request: Request, id: str) -> Response:
    """In place of what was there; batches already ordered are drawn as they were planned."""
    check_id(id, "{id}")
    body, _ = await bodies.read(request, CharacterRequest)
    kept, new = await context_of(request).gateway.shelf.put_character(body.character(id))
    headers = {"location": f"{base_of(request)}/v1/characters/{id}"} if new else None
    return respond(character_json(kept), 201 if new else 200, headers)


@router.delete(
    "/v1/characters/{id}",
    operation_id="delete_character",
    summary="Forget a character",
    status_code=204,
    responses=described({}, 204, "permission-denied", "not-found", "read-only"),
)
async def delete_character(request: Request, id: str) -> Response:
    """Its images stay, and its series goes on if it comes back."""
    await context_of(request).gateway.shelf.delete_character(id_or_unknown(id, "character"))
    return Response(status_code=204)
