"""What ComfyUI's answer to `POST /prompt` means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from safelight.renderers.base import Accepted, InDoubt, Refused, Submission
from safelight.renderers.comfyui_http import Reply, Unanswered, decoded

_DETAIL_LIMIT = 2_000  # characters
_ERRORS_SHOWN = 20
_SLUG = re.compile(r"[a-z0-9_-]{1,64}")
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\s]+")
# An absolute path with at least two parts, as server tracebacks show them.
_PATH = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?(?:[/\\][\w.@+-]+){2,}")

# They speak of the backend, not of the prompt; 408, 425 and 429 say "later", which is doubt.
_REFUSALS = {
    401: ("unauthorized", "The backend asks for credentials: check its token and headers."),
    403: ("forbidden", "The backend or a proxy forbids it: check its token and headers."),
    404: ("not-found", "There is no /prompt at this address: is it a ComfyUI, is the path right?"),
    405: ("not-found", "It takes no POST at /prompt: is it a ComfyUI, is the path right?"),
    413: ("too-large", "The prompt is larger than the backend or a proxy accepts."),
}
_SHUT_OUT = (401, 403, 404, 405)
_LATER = (408, 425, 429)
_UNKNOWN_NODE = re.compile(
    r"\bnode .{1,200} does not exist\b|\bnode type .{0,200}not found\b", re.I
)


def verdict(reply: Reply, prompt_id: str) -> Submission:
    """Accepted, refused, or in doubt.

    Another prompt id than ours is a refusal: a server that names prompts itself (ComfyUI before
    mid-2025) can never be asked for ours. It is not cancelled by that other id, which might be a
    stranger's when a cache answered.
    """
    if reply.status == 200:
        return _received(reply.body, prompt_id)
    if reply.status == 400:
        return _rejected(reply.body)
    if reply.status in _REFUSALS:
        return Refused(*_REFUSALS[reply.status], shut_out=reply.status in _SHUT_OUT)
    if 400 <= reply.status < 500 and reply.status not in _LATER:
        return Refused(f"http-{reply.status}", f"The backend answered HTTP {reply.status}.")
    return InDoubt(f"HTTP {reply.status}")


def _received(body: bytes, prompt_id: str) -> Submission:
    match _value(body):
        case {"prompt_id": str(theirs), **rest}:
            pass
        case _:
            return InDoubt("HTTP 200, but not as ComfyUI answers")
    if theirs != prompt_id:
        detail = "The backend runs it under another prompt id than ours: update its ComfyUI."
        return Refused("foreign-prompt-id", detail, running=True)
    if errors := rest.get("node_errors"):
        text = sentence(("Some outputs of the prompt are not valid", *_node_errors(errors)))
        return Refused("prompt_outputs_failed_validation", text, running=True)
    return Accepted(_number(rest.get("number")))


def _rejected(body: bytes) -> Submission:
    match _value(body):
        case {"error": {"type": str(kind), "message": str(message), **more}, **rest}:
            parts = (
                f"{message} {_text(more.get('details'))}",
                *_node_errors(rest.get("node_errors")),
            )
            return Refused(
                kind if _SLUG.fullmatch(kind) else "invalid_prompt",
                sentence(parts),
                missing=_UNKNOWN_NODE.search(message) is not None
                or kind == "missing_node_type"
                or _only_missing(rest.get("node_errors")),
            )
        case {"error": str(message)}:
            return Refused("invalid_prompt", sentence((message,)))
    return InDoubt("HTTP 400, but not as ComfyUI answers")


def _only_missing(nodes: Any) -> bool:
    """Whether every complaint is about a name that is not in the backend's lists."""
    match nodes:
        case dict() if nodes:
            errors = [_errors_of(about) for about in nodes.values()]
            kinds = {error.get("type") for found in errors for error in found}
            return all(errors) and kinds == {"value_not_in_list"}
    return False


def _errors_of(about: Any) -> list[dict[str, Any]]:
    match about:
        case {"errors": list(errors)} if all(isinstance(error, dict) for error in errors):
            return errors
    return []


def _value(body: bytes) -> Any:
    try:
        return decoded(body)
    except Unanswered:
        return None


def _node_errors(nodes: Any) -> Iterator[str]:
    if isinstance(nodes, dict):
        yield from islice(_lines(nodes), _ERRORS_SHOWN)


def _lines(nodes: dict[Any, Any]) -> Iterator[str]:
    for node, about in nodes.items():
        match about:
            case {"errors": list(errors), **rest}:
                where = f"node {node} ({_text(rest.get('class_type'))})"
                for error in errors:
                    yield f"{where}: {_complaint(error)}"
            case _:
                yield f"node {node}"


def _complaint(error: Any) -> str:
    match error:
        case {"message": str(message), **rest}:
            details = _text(rest.get("details"))
            return f"{message}: {details}" if details else message
    return "not valid"


def sentence(parts: tuple[str, ...]) -> str:
    """One line that can be stored and shown: no tracebacks, no paths of the server."""
    shown = (part[:_DETAIL_LIMIT].partition("Traceback (most recent")[0] for part in parts)
    text = _UNSTORABLE.sub(" ", "; ".join(part.strip() for part in shown))
    return _PATH.sub("…", text).strip()[:_DETAIL_LIMIT]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, int | float) and abs(value) < 2**63:  # and not NaN
        return float(value)
    return None
