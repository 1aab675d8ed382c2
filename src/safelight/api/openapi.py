"""The OpenAPI 3.1 document: routes say in a line what they take and answer, shapes come here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from safelight import __version__
from safelight.api import (
    access_schemas,
    answer_schemas,
    operation_schemas,
    schemas,
    webhook_schemas,
)
from safelight.api.openai import answer_schemas as openai_answers
from safelight.api.openai import requests as openai_requests
from safelight.core.records import Limits

_PREFIX: Final = "#/components/schemas/"
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
SAYINGS: Final[Mapping[int, str]] = {
    200: "As asked.",
    201: "Created; it is durable.",
    204: "Done; there is nothing to say.",
    206: "The range.",
    304: "It has not changed.",
    400: "The request cannot be read.",
    401: "An API key is needed.",
    403: "Not for this key, or not for pages of other origins.",
    404: "There is no such thing, or not yet.",
    409: "Not possible in this state.",
    410: "It was deleted.",
    413: "The body is too large.",
    416: "The file has no byte in this range.",
    422: "Something in the request is not valid; `errors` names it.",
    429: "Too much at once; come back after Retry-After seconds.",
    503: "The service cannot do it now; come back.",
}
"""What a status says by itself."""
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
# What needs no key, and what needs none where it was signed.
_OPEN: Final = frozenset({"healthz", "readyz", "sign_in", "sign_out"})
_LINKED: Final = frozenset({"get_image_file", "get_image_thumbnail"})
_EMPTY: Final = frozenset({204, 304})
_HEADERS: Final = {
    "traceparent": "W3C Trace Context: where the caller is in a trace; spans go on there.",
    "Idempotency-Key": "1 to 255 printable ASCII characters; the same key gives the same batch.",
    "Prefer": "`wait=n`: answer when the batch has ended, after n seconds (at most 600) anyhow.",
    "Last-Event-ID": "Go on after this event.",
    "Range": "One range of bytes.",
    "If-Range": "An entity tag; the range counts only if it still fits.",
    "If-None-Match": "Entity tags the client has.",
}
_QUERY: Final = {
    "last_event_id": "The same as Last-Event-ID, for clients that cannot set headers.",
    "exp": "Of a signed link: until when it is good.",
    "kid": "Of a signed link: which key has signed it.",
    "sig": "Of a signed link: the signature; with it no key is needed.",
}
SIGNED: Final = ("exp", "kid", "sig")
"""What the query of a signed link holds."""
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


def described(successes: Mapping[int, str], *others: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route: a schema's name or a media type per success, then other statuses."""
    answers: dict[int | str, dict[str, Any]] = {}
    for status, what in successes.items():
        answers[status] = {"description": SAYINGS[status], "content": _content(what)}
    for status in others:
        answers[status] = {"description": SAYINGS[status]}
        if status not in _EMPTY:
            answers[status]["content"] = _problem()
    answers["default"] = {"description": "Any other problem.", "content": _problem()}
    return answers


def shape(name: str) -> dict[str, Any]:
    """JSON of this shape."""
    return {"application/json": {"schema": {"$ref": _PREFIX + name}}}


def takes(
    body: str | None = None,
    *,
    headers: Sequence[str] = (),
    query: Sequence[str] = (),
    required: bool = True,
) -> dict[str, Any]:
    """What a route reads from the request by itself, for `openapi_extra`."""
    parameters = [_parameter(name, "header", _HEADERS[name]) for name in headers]
    parameters += [_parameter(name, "query", _QUERY[name]) for name in query]
    extra: dict[str, Any] = {}
    if parameters:
        extra["parameters"] = parameters
    if body is not None:
        content = {"application/json": {"schema": {"$ref": _PREFIX + body}}}
        extra["requestBody"] = {"required": required, "content": content}
    return extra


def document(app: FastAPI, limits: Limits) -> dict[str, Any]:
    """The whole document; bounds that settings move are filled in."""
    found = get_openapi(
        title="Safelight",
        version=__version__,
        description="Ask for N images of a character, get exactly N different ones.",
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
    )
    components = _schemas()
    for model, fields in schemas.bounds(limits).items():
        for field, keywords in fields.items():
            components[model]["properties"][field].update(keywords)
    found["components"] = {"schemas": components, "securitySchemes": _SCHEMES}
    found["security"] = _SECURITY
    for verbs in found["paths"].values():
        for operation in verbs.values():
            _secure(operation)
    return found


def _secure(operation: dict[str, Any]) -> None:
    """Say what an operation asks for before it answers."""
    if operation["operationId"] in _OPEN:
        operation["security"] = []
        return
    if operation["operationId"] in _LINKED:
        operation["security"] = [*_SECURITY, {}]
    answers = operation["responses"]
    needed = {"description": SAYINGS[401], "content": answers["default"]["content"]}
    operation["responses"] = dict(sorted({**answers, "401": needed}.items()))


def _schemas() -> dict[str, Any]:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    wanted += [(model, "validation") for model in _REQUESTS]
    wanted += [(model, "validation") for model in _ANSWERS]
    _, definitions = models_json_schema(wanted, ref_template=_PREFIX + "{model}")
    return dict(sorted(definitions["$defs"].items()))


def _content(what: str) -> dict[str, Any]:
    if what == "text/event-stream" or what == "text/plain":
        return {what: {"schema": {"type": "string"}}}
    if "/" in what:
        return {what: {"schema": {"type": "string", "format": "binary"}}}
    return shape(what)


def _problem() -> dict[str, Any]:
    return {"application/problem+json": {"schema": {"$ref": f"{_PREFIX}Problem"}}}


def _parameter(name: str, place: str, text: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"name": name, "in": place, "required": False, "description": text, "schema": schema}
