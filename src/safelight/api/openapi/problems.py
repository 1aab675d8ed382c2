"""Every problem as an example, and those that any route may have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from safelight.api.openai.error_texts import ERRORS
from safelight.api.openapi.describing import GUARDED, Answers, refusal
from safelight.api.problem_texts import PROBLEMS

_REQUEST: Final = "5d8a1f3c-7b24-4e96-8c0d-1e6f9a2b7c45"
OPEN: Final = frozenset({"healthz", "readyz", "sign_in", "sign_out"})
"""What needs no key."""
ELSEWHERE: Final = frozenset({"bad-name-template", "conflict", "method-not-allowed"})
"""What no operation answers: the settings are wrong, or there is no such operation."""
_ANYWHERE: Final = ("bad-host", "internal-error")
_WRITING: Final = ("cross-origin", "too-large")
USUAL: Final = (*_ANYWHERE, *GUARDED, *_WRITING)
"""What any operation may answer, or any that asks for a key, or writes."""
_WRONG_FIELD: Final = {
    "pointer": "/quantity",
    "detail": "expected a whole number",
    "code": "wrong-type",
}
_THEIRS: Final[Mapping[str, str]] = {
    "bad-host": "bad_host",
    "internal-error": "internal_error",
    "unauthorized": "invalid_api_key",
    "too-many-wrong-keys": "rate_limit_exceeded",
    "database-away": "database_away",
    "cross-origin": "cross_origin",
    "too-large": "too_large",
}


def problem_examples() -> dict[str, Any]:
    """One for every code of a problem, and for every error in the words of the OpenAI API."""
    ours = {
        code: {"summary": text.title, "value": _problem(code)}
        for code, text in PROBLEMS.items()
        if code not in ELSEWHERE
    }
    theirs = {
        f"openai.{code}": {
            "summary": error.says,
            "value": {
                "error": {
                    "message": error.says,
                    "type": error.type,
                    "param": error.param,
                    "code": code,
                }
            },
        }
        for code, error in ERRORS.items()
    }
    return ours | theirs


def add_problems(verb: str, path: str, operation: dict[str, Any]) -> None:
    """Say what any operation of this kind may answer."""
    answers = operation["responses"]
    for code in _everywhere(verb, operation["operationId"]):
        if path.startswith("/openai/"):
            refuse_theirs(answers, _THEIRS[code])
        else:
            refusal(answers, str(PROBLEMS[code].status), code)
    operation["responses"] = dict(sorted(answers.items()))


def shared(operations: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Put refusals that several operations have in one place; what lies there, by its name."""
    held: dict[str, list[tuple[dict[str, Any], str]]] = {}
    for operation in operations:
        answers = operation["responses"]
        for status in answers:
            if status >= "4":
                held.setdefault(_name(status, answers[status]), []).append((answers, status))
    common: dict[str, Any] = {}
    for name, holders in sorted(held.items()):
        one, *others = (answers[status] for answers, status in holders)
        if others and all(other == one for other in others):
            common[name] = one
            for answers, status in holders:
                answers[status] = {"$ref": f"#/components/responses/{name}"}
    return common


def refuse_theirs(answers: Answers, code: str) -> None:
    """Add a refusal in the words of the OpenAI API, by its code."""
    status = str(ERRORS[code].status)
    refusal(answers, status, f"openai.{code}", "OpenAIError", "application/json")


def _everywhere(verb: str, operation: str) -> Iterator[str]:
    yield from _ANYWHERE
    if operation not in OPEN:
        yield from GUARDED
    if verb != "get":
        yield from _WRITING


def _name(status: str, answer: Mapping[str, Any]) -> str:
    [content] = answer["content"].values()
    schema = content["schema"]["$ref"].rpartition("/")[2]
    codes = [code.removeprefix("openai.") for code in content.get("examples", ())]
    return ".".join([schema, status, *sorted(codes)])


def _problem(code: str) -> dict[str, Any]:
    text = PROBLEMS[code]
    told = {
        "type": f"/problems/{code}",
        "title": text.title,
        "status": text.status,
        "detail": text.text,
        "instance": f"urn:uuid:{_REQUEST}",
        "code": code,
        "request_id": _REQUEST,
    }
    if text.status == 422:
        wrong = _WRONG_FIELD if code == "invalid-request" else _field(code, text.text)
        told["errors"] = [wrong]
    return told


def _field(code: str, detail: str) -> dict[str, str]:
    return {"pointer": "", "detail": detail, "code": code}
