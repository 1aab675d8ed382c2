"""Whether an answer is one that the OpenAPI document names for its operation."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jsonschema_rs

DOCUMENT: Final = Path(__file__).parent.parent.parent / "docs" / "reference" / "openapi.json"


def undeclared(method: str, target: str, status: int, content_type: str, body: bytes) -> str | None:
    """What is not as the document says; None where all is, and where it names no such operation."""
    operation = _operation("get" if method == "HEAD" else method.lower(), urlsplit(target).path)
    if operation is None or status == 405:
        return None
    answer = _resolved(operation["responses"].get(str(status)))
    if answer is None:
        return f"{method} {target}: {status} is not declared: {body[:300]!r}"
    media_type = content_type.partition(";")[0]
    content = answer.get("content", {})
    if media_type and media_type not in content and method != "HEAD":
        return f"{method} {target}: {status} as {media_type} is not declared"
    if status >= 400 and method != "HEAD" and (code := _code(body)) not in codes_of(answer):
        return f"{method} {target}: {status} {code} is not declared"
    return None


def codes_of(answer: Any) -> set[str]:
    """The codes of the problems, or errors, that an answer of the document names."""
    [content] = answer["content"].values()
    return {name.removeprefix("openai.") for name in content["examples"]}


def wrong_in(shape: str, value: Any) -> list[str]:
    """What of a value is not as the document describes this shape."""
    components = document()["components"]
    checked = {"$ref": f"#/components/schemas/{shape}", "components": components}
    validator = jsonschema_rs.validator_for(checked, validate_formats=True)
    return [str(error) for error in validator.iter_errors(value)]


@cache
def document() -> Any:
    """The one in the repository; a test compares it with what is served."""
    return json.loads(DOCUMENT.read_text("utf-8"))


@cache
def _templates() -> list[tuple[re.Pattern[str], Any]]:
    """Paths without parameters first."""
    paths = sorted(document()["paths"].items(), key=lambda item: item[0].count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), verbs) for path, verbs in paths]


def _operation(verb: str, path: str) -> Any:
    found = [verbs for pattern, verbs in _templates() if pattern.fullmatch(path)]
    return found[0].get(verb) if found else None


def _resolved(answer: Any) -> Any:
    if answer and "$ref" in answer:
        return document()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return answer


def _code(body: bytes) -> str:
    told = json.loads(body)
    found = told["error"]["code"] if "error" in told else told["code"]
    return str(found)
