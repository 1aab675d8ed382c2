"""Characters as models: clients fill their pickers with them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from safelight.api.answers import Json, respond
from safelight.api.context import context_of
from safelight.api.openai.describing import described
from safelight.api.openai.errors import NoModel
from safelight.api.paths import id_or_unknown
from safelight.core.errors import Unknown

router = APIRouter(tags=["openai"])


@router.get(
    "/openai/v1/models",
    operation_id="openai_list_models",
    summary="Characters, in the words of the OpenAI API",
    responses=described("OpenAIModels"),
)
async def list_models(request: Request) -> Response:
    """Those that this key reaches, by id."""
    kept = await context_of(request).gateway.characters()
    return respond({"object": "list", "data": [_model_json(one.item.id) for one in kept]})


@router.get(
    "/openai/v1/models/{id}",
    operation_id="openai_get_model",
    summary="A character, in the words of the OpenAI API",
    responses=described("OpenAIModel", "model_not_found"),
)
async def get_model(request: Request, id: str) -> Response:
    """404 `model_not_found` for one that is not there or not for this key."""
    try:
        kept = await context_of(request).gateway.character(id_or_unknown(id, "character"))
    except Unknown:
        raise NoModel(f"The model {id[:64]!r} does not exist") from None
    return respond(_model_json(kept.item.id))


def _model_json(id: str) -> Json:
    # Nobody notes when a character was made; the field must be there.
    return {"id": id, "object": "model", "created": 0, "owned_by": "safelight"}
