"""The whole document: the routes' words, and what goes for all of them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from safelight import __version__
from safelight.api import (
    access_schemas,
    answer_schemas,
    catalogue_schemas,
    event_schemas,
    operation_schemas,
    schemas,
    series_schemas,
    webhook_schemas,
)
from safelight.api.openai import answer_schemas as openai_answers
from safelight.api.openai import requests as openai_requests
from safelight.api.openapi.describing import SCHEMAS
from safelight.api.openapi.examples import EXAMPLES
from safelight.api.openapi.following import add_links
from safelight.api.openapi.headers import COMPONENTS, add_headers
from safelight.api.openapi.parameters import tell
from safelight.api.openapi.problems import OPEN, add_problems, problem_examples, shared
from safelight.core.records import Limits

_REQUESTS: Final = (
    schemas.BatchRequest,
    schemas.CharacterRequest,
    schemas.WorkflowRequest,
    schemas.WebhookRequest,
    schemas.LinksRequest,
    openai_requests.ImagesRequest,
    schemas.SessionRequest,
)
_SHAPES: Final = (
    answer_schemas,
    catalogue_schemas,
    series_schemas,
    event_schemas,
    access_schemas,
    operation_schemas,
    webhook_schemas,
    openai_answers,
)
_ANSWERS: Final = tuple(
    thing
    for module in _SHAPES
    for thing in vars(module).values()
    if isinstance(thing, type) and issubclass(thing, BaseModel)
    if thing.__module__ == module.__name__ and thing is not answer_schemas.AnswerBody
)
_SCHEMES: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, `slk_…`. Needed from the first key on; ignored before.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "safelight_session",
        "description": "A session, as signing in sets it; writes must come from a page of ours.",
    },
}
_SECURITY: Final[list[dict[str, list[str]]]] = [{name: []} for name in _SCHEMES]
# What needs no key where it was signed.
_LINKED: Final = frozenset({"get_image_file", "get_image_thumbnail"})
_TAGS: Final = {
    "batches": "One request for N images of a character for a user.",
    "events": "What happens, as server-sent events.",
    "webhooks": "Who is told of what happens, by signed messages.",
    "images": "Numbered members of batches, their files and small copies.",
    "links": "Addresses of pictures that need no key, for a time.",
    "series": "The numbered images of one character for one user.",
    "characters": "Named subjects.",
    "workflows": "ComfyUI graphs in API format.",
    "publishers": "Copies of stored images, at CDNs and in buckets.",
    "session": "Who asks.",
    "openai": "The same for clients of the OpenAI Images API.",
    "operations": "How the service itself is.",
}


def document(app: FastAPI, limits: Limits) -> dict[str, Any]:
    """The whole document; bounds that settings move are filled in."""
    found = get_openapi(
        title="Safelight",
        version=__version__,
        description="Ask for N images of a character, get exactly N different ones.",
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
    )
    found = deepcopy(found)  # parts of it are the routes' own
    components = _schemas()
    for model, fields in schemas.bounds(limits).items():
        for field, keywords in fields.items():
            components[model]["properties"][field].update(keywords)
    found["components"] = {
        "schemas": components,
        "examples": {name: {"value": one} for name, one in EXAMPLES.items()} | problem_examples(),
        "headers": COMPONENTS,
        "securitySchemes": _SCHEMES,
    }
    found["security"] = _SECURITY
    for path, verbs in found["paths"].items():
        for verb, operation in verbs.items():
            _complete(verb, path, operation)
    operations = (one for verbs in found["paths"].values() for one in verbs.values())
    found["components"]["responses"] = shared(operations)
    return found


def _complete(verb: str, path: str, operation: dict[str, Any]) -> None:
    """Say of an operation what holds for all of its kind."""
    if operation["operationId"] in OPEN:
        operation["security"] = []
    if operation["operationId"] in _LINKED:
        operation["security"] = [*_SECURITY, {}]
    for parameter in operation.get("parameters", ()):
        tell(parameter, path)
    _forget_the_usual(operation["responses"])
    add_problems(verb, path, operation)
    add_headers(operation)
    add_links(operation)


def _forget_the_usual(answers: dict[str, Any]) -> None:
    """FastAPI takes every route for one that answers 200 with some JSON."""
    content = answers.get("200", {}).get("content", {})
    if content.get("application/json") == {"schema": {}}:
        del content["application/json"]
        if not content:
            del answers["200"]


def _schemas() -> dict[str, Any]:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    wanted += [(model, "validation") for model in _REQUESTS]
    wanted += [(model, "validation") for model in _ANSWERS]
    _, definitions = models_json_schema(wanted, ref_template=SCHEMAS + "{model}")
    return dict(sorted(definitions["$defs"].items()))
