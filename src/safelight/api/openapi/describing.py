"""What a route says of itself: what it takes, what it answers, which problems it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from safelight.api.openapi.examples import EXAMPLES, TEXTS
from safelight.api.openapi.parameters import parameter
from safelight.api.problem_texts import PROBLEMS

# What FastAPI takes: a status, or `default`, and what is said of it.
Answers: TypeAlias = dict[int | str, dict[str, Any]]
SCHEMAS: Final = "#/components/schemas/"
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
    500: "A fault in Safelight.",
    503: "The service cannot do it now; come back.",
}
"""What a status says by itself."""
BODY: Final = ("not-json", "invalid-request")
"""What may be wrong with any body."""
FILE: Final = ("not-found", "not-stored", "gone", "store-away")
"""Why there may be no picture."""
SIGNATURE: Final = ("signature-invalid", "signature-expired")
"""Why a signed link does not open it."""
GUARDED: Final = ("unauthorized", "too-many-wrong-keys", "database-away")
"""What those are answered whose key is not believed."""
_EXAMPLES: Final = "#/components/examples/"


def described(successes: Mapping[int, str], *others: int | str) -> Answers:
    """The answers of a route: a schema's name or a media type per success, then statuses without a
    body, then the codes of its problems. What any route may answer need not be named."""
    answers: Answers = {}
    for status, what in successes.items():
        answers[str(status)] = {"description": SAYINGS[status], "content": _content(what)}
    for empty in others:
        if isinstance(empty, int):
            answers[str(empty)] = {"description": SAYINGS[empty]}
    for code in others:
        if isinstance(code, str):
            refusal(answers, str(PROBLEMS[code].status), code)
    answers["default"] = {
        "description": "Any other problem.",
        "content": {"application/problem+json": _schema("Problem")},
    }
    return answers


def refusal(
    answers: Answers,
    status: str,
    example: str,
    schema: str = "Problem",
    media_type: str = "application/problem+json",
) -> None:
    """Add a refusal, by the name of its example, to the answers of a route."""
    answer = answers.setdefault(status, {"description": SAYINGS[int(status)]})
    content = answer.setdefault("content", {}).setdefault(media_type, _schema(schema))
    content.setdefault("examples", {})[example] = {"$ref": _EXAMPLES + example}


def shape(name: str) -> dict[str, Any]:
    """JSON of this shape."""
    return {"application/json": _schema(name) | _example(name)}


def takes(
    body: str | None = None,
    *,
    headers: Sequence[str] = (),
    query: Sequence[str] = (),
    required: bool = True,
) -> dict[str, Any]:
    """What a route reads from the request by itself, for `openapi_extra`."""
    extra: dict[str, Any] = {}
    parameters = [*_parameters(headers, "header"), *_parameters(query, "query")]
    if parameters:
        extra["parameters"] = parameters
    if body is not None:
        extra["requestBody"] = {"required": required, "content": shape(body)}
    return extra


def _parameters(names: Iterable[str], place: str) -> list[dict[str, Any]]:
    return [parameter(name, place) for name in names]


def _schema(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": SCHEMAS + name}}


def _example(name: str) -> dict[str, Any]:
    return {"examples": {name: {"$ref": _EXAMPLES + name}}} if name in EXAMPLES else {}


def _content(what: str) -> dict[str, Any]:
    if what in TEXTS:
        media_type, schema, text = TEXTS[what]
        return {media_type: {"schema": schema, "example": text}}
    if "/" in what:
        return {what: {"schema": {"type": "string", "format": "binary"}}}
    return shape(what)
