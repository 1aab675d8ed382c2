"""RFC 9457 problems: one shape for everything that is not done as asked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from safelight.api.headers import rate_limits
from safelight.api.problem_texts import PROBLEMS
from safelight.api.wrong_fields import field_errors
from safelight.core.errors import FieldError, Invalid, Refusal, SafelightError, TooMany, Trouble

MEDIA_TYPE: Final = "application/problem+json"
_BY_STATUS: Final = {404: "not-found", 405: "method-not-allowed"}


class NotJson(Refusal):
    """400: the request body is not JSON."""

    code = "not-json"


class BadHost(Refusal):
    """400: the Host header is missing, doubled or no host."""

    code = "bad-host"


class CrossOrigin(Refusal):
    """403: a browser sent this for a page of another origin."""

    code = "cross-origin"
    status = 403


class RangeNotSatisfiable(Refusal):
    """416: no byte of the file is in the range."""

    code = "range-not-satisfiable"
    status = 416


def answer(
    error: SafelightError, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The problem document of one of our errors."""
    if not isinstance(error, Refusal | Trouble):
        return internal_error(request_id)
    more: dict[str, str] = dict(headers or {})
    if error.retry_after is not None:
        more["retry-after"] = str(math.ceil(error.retry_after))
    if error.status == 401:
        more["www-authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        more |= rate_limits(error.quotas)
    if error.status == 413:
        more["connection"] = "close"
    errors = error.errors if isinstance(error, Refusal) else ()
    return document(error.status, error.code, error.detail, request_id, errors, more)


def internal_error(request_id: str) -> Response:
    """What a stranger learns of a fault of ours: where the operator finds the rest."""
    detail = f"The log has the reason under request {request_id}."
    return document(500, "internal-error", detail, request_id)


def document(
    status: int,
    code: str,
    detail: str,
    request_id: str,
    errors: tuple[FieldError, ...] = (),
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """A problem document; further members are added as they are. One title per code."""
    known = PROBLEMS.get(code)
    body = {
        "type": f"/problems/{code}",
        "title": known.title if known else Refusal.title,
        "status": status,
        "detail": detail,
        "instance": f"urn:uuid:{request_id}",
        "code": code,
        "request_id": request_id,
        **members,
    }
    if errors:
        body["errors"] = [
            {"pointer": e.pointer, "detail": e.detail, "code": e.code} for e in errors
        ]
    # A detail may quote what the client sent, lone surrogates included.
    content = msgspec.json.encode(plain(body))
    return Response(content, status, {"cache-control": "no-store", **(headers or {})}, MEDIA_TYPE)


def request_id_of(request: Request) -> str:
    """The id the envelope gave this request."""
    return str(request.scope["safelight.request_id"])


async def on_refusal(request: Request, error: Exception) -> Response:
    """Handler of everything in our own error tree."""
    assert isinstance(error, SafelightError)
    return answer(error, request_id_of(request))


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Handler of what the router says: no such route, no such method."""
    assert isinstance(error, HTTPException)
    code = _BY_STATUS.get(error.status_code, "invalid-request")
    detail = PROBLEMS[code].text if code in _BY_STATUS.values() else str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["allow"] = ", ".join(sorted(allowed(request)))
    return document(error.status_code, code, detail, request_id_of(request), headers=headers)


async def on_wrong_parameters(request: Request, error: Exception) -> Response:
    """Handler of query parameters that do not fit."""
    assert isinstance(error, RequestValidationError)
    errors = field_errors(error.errors())
    return answer(Invalid(summary(errors), errors=errors), request_id_of(request))


def summary(errors: tuple[FieldError, ...]) -> str:
    """One sentence on all wrong fields.

    Example:
        >>> summary((FieldError("/quantity", "expected a whole number", "wrong-type"),))
        '/quantity: expected a whole number'
    """
    return "; ".join(f"{e.pointer or 'body'}: {e.detail}" for e in errors[:5]) + (
        f"; and {len(errors) - 5} more" if len(errors) > 5 else ""
    )


def allowed(request: Request) -> set[str]:
    """The methods at an address; the router names only the first of its routes."""
    at_this_address = [r for r in request.app.routes if r.matches(request.scope)[0] != Match.NONE]
    return {method for route in at_this_address for method in getattr(route, "methods", ())}


def plain(value: Any) -> Any:
    """The same, with what JSON cannot carry replaced."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value
