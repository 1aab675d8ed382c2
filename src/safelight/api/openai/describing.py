"""What a route of this face says of itself."""

from __future__ import annotations

from safelight.api.openapi import SAYINGS, Answers, refuse_theirs, shape


def described(success: str | None, *codes: str, stream: bool = False) -> Answers:
    """The answers of a route: the shape of its success, then the codes of its errors. `stream`:
    also events."""
    answers: Answers = {}
    if success is not None:
        answers["200"] = {"description": SAYINGS[200], "content": shape(success)}
    if stream:
        events = {"schema": {"$ref": "#/components/schemas/OpenAIStreamEvent"}}
        answers["200"]["content"] |= {"text/event-stream": events}
    for code in codes:
        refuse_theirs(answers, code)
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/OpenAIError"}}}
    answers["default"] = {"description": "Any other error.", "content": error}
    return answers
