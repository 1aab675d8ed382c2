"""What the OpenAPI document says of this face's answers."""

from __future__ import annotations

from typing import Any, Final

from safelight.api.openapi import SAYINGS, shape

_MORE: Final = {
    422: "The Idempotency-Key came with another body before.",
    500: "The batch has ended without all its images; the message names it.",
}


def described(
    success: str | None, *others: int, stream: bool = False
) -> dict[int | str, dict[str, Any]]:
    """The answers of a route: the shape of its success, then other statuses. `stream`: also
    events."""
    answers: dict[int | str, dict[str, Any]] = {}
    if success is not None:
        answers[200] = {"description": SAYINGS[200], "content": shape(success)}
    if stream:
        answers[200]["content"] |= {"text/event-stream": {"schema": {"type": "string"}}}
    for status in others:
        text = _MORE.get(status) or SAYINGS[status]
        answers[status] = {"description": text, "content": shape("OpenAIError")}
    answers["default"] = {"description": "Any other error.", "content": shape("OpenAIError")}
    return answers
