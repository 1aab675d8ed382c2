"""Errors in the dialect of the OpenAI API: `{"error": {message, type, param, code}}`.

Its clients repeat a request by themselves after 408, 409, 429 and 5xx. Where that is of no use, or
of use although the status does not say so, `x-should-retry` tells them. A Retry-After above a
minute makes one of them give up and another come back at once, so none is sent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from safelight.api import problems
from safelight.api.wrong_fields import field_errors
from safelight.core.errors import (
    Conflict,
    Invalid,
    Refusal,
    SafelightError,
    TooMany,
    TooManyQueued,
    Trouble,
    Unauthorized,
    Unknown,
)
from safelight.core.quotas import Quota

LONGEST_WAIT: Final = 60  # s
_REQUEST: Final = "invalid_request_error"
# What a field of ours is called there.
_PARAMS: Final = {
    "quantity": "n",
    "character": "model",
    "width": "size",
    "height": "size",
    "steps": "quality",
}
_QUOTAS: Final = {"batches": "requests"}
_CODES: Final = {
    "missing": "missing_required_parameter",
    "unknown-character": "model_not_found",
    "idempotency-key-reused": "idempotency_key_reused",
}


class StillRunning(Trouble):
    """503: the batch has not ended in the time that its client waits; the client is to come back
    and gets the same batch."""

    code = "still_running"
    title = "It is still running"
    retry_after: float | None = 0.5


class Incomplete(SafelightError):
    """500: the batch has ended and does not have all its images; its `code` says how."""

    title = "Not all images were made"


class NotOffered(Refusal):
    """400: something their API has and this one does not."""

    code = "not_offered"
    title = "This is not offered"


class NoModel(Unknown):
    """404: there is no such character."""

    code = "model_not_found"
    title = "There is no such model"


def answer(
    error: SafelightError, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """One of our errors as their clients read it."""
    del request_id  # it stands in a header only
    more = {**_again(error), **(headers or {})}
    status = _status(error)
    if status == 413:
        more["connection"] = "close"
    return _respond(status, body(error), more)


def internal_error(request_id: str) -> Response:
    """What a stranger learns of a fault of ours: where the operator finds the rest."""
    told = _body(
        f"A fault in Safelight. The log has the reason under request {request_id}.",
        "server_error",
        None,
        "internal_error",
    )
    return _respond(500, told, {})


async def on_refusal(request: Request, error: Exception) -> Response:
    """Handler of everything in our own error tree."""
    assert isinstance(error, SafelightError)
    return answer(error, problems.request_id_of(request))


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Handler of what the router says: no such route, no such method."""
    assert isinstance(error, HTTPException)
    place = f"{request.method} {request.url.path[:200]}"
    if error.status_code == 404:
        told = _body(f"Unknown request URL: {place}", _REQUEST, None, "unknown_url")
    elif error.status_code == 405:
        told = _body(f"Not allowed: {place}", _REQUEST, None, "method_not_allowed")
    else:
        told = _body(str(error.detail), _REQUEST, None, "invalid_request")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["allow"] = ", ".join(sorted(problems.allowed(request)))
    return _respond(error.status_code, told, headers)


async def on_wrong_parameters(request: Request, error: Exception) -> Response:
    """Handler of query parameters that do not fit."""
    assert isinstance(error, RequestValidationError)
    errors = field_errors(error.errors())
    refusal = Invalid(problems.summary(errors), errors=errors)
    return answer(refusal, problems.request_id_of(request))


def body(error: SafelightError) -> dict[str, Any]:
    """The document of one of our errors, also for an event in the middle of a stream."""
    if isinstance(error, Invalid):
        return _wrong_field(error)
    if isinstance(error, Incomplete):
        return _body(error.detail, "server_error", None, error.code)
    if not isinstance(error, Refusal | Trouble):
        return _body("A fault in Safelight; its log says more.", "server_error", None, "fault")
    param = "model" if isinstance(error, NoModel) else None
    return _body(error.detail, _type(error), param, _code(error))


def _wrong_field(error: Invalid) -> dict[str, Any]:
    """The first of them: there is room for one. A name in the query or a header is one as well."""
    first = error.errors[0]
    name = first.pointer.removeprefix("/").split("/")[0].removeprefix("?")
    name = _PARAMS.get(name, name)
    code = _CODES.get(first.code, "invalid_value")
    detail = f"{name}: {first.detail}" if name and code != "model_not_found" else first.detail
    return _body(detail, _REQUEST, name or None, code)


def _body(message: str, type: str, param: str | None, code: str | None) -> dict[str, Any]:
    told = {"message": message, "type": type, "param": param, "code": code}
    return {"error": told}


def _status(error: SafelightError) -> int:
    if not isinstance(error, Invalid):
        return error.status
    code = error.errors[0].code
    return {"unknown-character": 404, "idempotency-key-reused": 422}.get(code, 400)


def _type(error: Refusal | Trouble) -> str:
    if isinstance(error, Trouble):
        return "server_error"
    return "rate_limit_error" if error.status == 429 else _REQUEST


def _code(error: Refusal | Trouble) -> str:
    match error:
        case Unauthorized():
            return "invalid_api_key"
        case TooManyQueued():
            return "queue_full"
        case TooMany():
            return "insufficient_quota" if _too_long(error) else "rate_limit_exceeded"
    return error.code.replace("-", "_")


def rate_limits(quotas: Sequence[Quota]) -> dict[str, str]:
    """What is left of quotas, in the headers of that API; there orders are requests.

    Example:
        >>> rate_limits([Quota("batches", most=60, window=60, used=48, counted=1, resets=29.2)])
        {'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '12', \
'x-ratelimit-reset-requests': '30s'}
    """
    told = {}
    for quota in quotas:
        name = _QUOTAS.get(quota.name, quota.name)
        told[f"x-ratelimit-limit-{name}"] = str(quota.most)
        told[f"x-ratelimit-remaining-{name}"] = str(quota.left)
        told[f"x-ratelimit-reset-{name}"] = f"{max(0, math.ceil(quota.resets))}s"
    return told


def _again(error: SafelightError) -> dict[str, str]:
    """Whether and when to come back."""
    if isinstance(error, TooMany):
        return rate_limits(error.quotas) | _when(error)
    return _when(error)


def _when(error: SafelightError) -> dict[str, str]:
    if isinstance(error, Incomplete | Conflict) or _too_long(error):
        return {"x-should-retry": "false"}
    wait = getattr(error, "retry_after", None)
    if wait is None:
        return {}
    told = {"retry-after": str(max(1, min(math.ceil(wait), LONGEST_WAIT)))}
    if isinstance(error, StillRunning):
        told |= {"x-should-retry": "true", "retry-after-ms": str(round(wait * 1000))}
    return told


def _too_long(error: SafelightError) -> bool:
    """Nobody waits so long in a request; to come back sooner is of no use."""
    return isinstance(error, TooMany) and (error.retry_after or 0) > LONGEST_WAIT


def _respond(status: int, told: dict[str, Any], headers: Mapping[str, str]) -> Response:
    # A message may quote what the client sent, lone surrogates included.
    content = msgspec.json.encode(problems.plain(told))
    return Response(content, status, {"cache-control": "no-store", **headers}, "application/json")
