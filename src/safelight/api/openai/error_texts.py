"""Errors in the words of the OpenAI API, for readers of the document; `errors.py` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Error:
    """What an error says."""

    status: int
    says: str
    type: str = "invalid_request_error"
    param: str | None = None


_SERVER: Final = "server_error"
_LIMIT: Final = "rate_limit_error"
ERRORS: Final[Mapping[str, Error]] = {
    "bad_host": Error(400, "The Host header is missing, doubled or holds more than a host."),
    "batch_canceled": Error(500, "The batch was canceled.", _SERVER),
    "batch_failed": Error(500, "The batch has failed; the message says why.", _SERVER),
    "batch_partial": Error(500, "Not all images of the batch are stored.", _SERVER),
    "cross_origin": Error(403, "This request was sent for a page of another origin."),
    "database_away": Error(503, "PostgreSQL does not answer; come back.", _SERVER),
    "gone": Error(410, "An image of the batch was deleted; order another."),
    "idempotency_key_reused": Error(422, "The Idempotency-Key came with another body before."),
    "insufficient_quota": Error(429, "The quota of the day is used up.", _LIMIT),
    "internal_error": Error(500, "A fault in Safelight; its log says more.", _SERVER),
    "invalid_api_key": Error(401, "The API key is missing, mistyped, revoked or expired."),
    "invalid_value": Error(400, "n: expected at most 64", param="n"),
    "missing_required_parameter": Error(400, "prompt: is required", param="prompt"),
    "model_not_found": Error(404, "there is no character 'nobody'", param="model"),
    "not_json": Error(400, "The body is no JSON; the message has line and column."),
    "not_offered": Error(400, "This is not offered."),
    "permission_denied": Error(403, "This key may not order for that user."),
    "queue_full": Error(429, "The user has too many unfinished images.", _LIMIT),
    "rate_limit_exceeded": Error(429, "Too many orders a minute, or wrong keys.", _LIMIT),
    "still_running": Error(503, "The batch goes on; send the same request again.", _SERVER),
    "store_away": Error(503, "The store does not answer; come back.", _SERVER),
    "too_large": Error(413, "The request body is too large."),
}
"""Every code, with the status it comes with."""
