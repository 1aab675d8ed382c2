"""What RunPod's answers mean: to `/run`, and to `/status/{id}` with worker-comfyui behind it.

Nothing here trusts a byte: the text of an error is a stranger's, and so is the shape of an output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from safelight.core.correlation import is_out_of_memory
from safelight.renderers.base import (
    Errored,
    Finished,
    InDoubt,
    Interrupted,
    Refused,
    Rendered,
    Running,
    Waiting,
)
from safelight.renderers.comfyui_http import Reply, Unanswered, decoded
from safelight.renderers.comfyui_verdict import sentence
from safelight.renderers.runpod_jobs import Inline, Link

_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_WORD = re.compile(r"[A-Z_]{1,32}")
_DETAILS = 20
# worker-comfyui: "Workflow execution error: Node Type: KSampler, Node ID: 3, Message: …"
_AT_NODE = re.compile(r"Node Type: ([\w .+-]{1,200}), Node ID: ([\w:-]{1,64}), Message: (.*)", re.S)

# They speak of the endpoint or of us, not of the prompt.
_SHUT_OUT = {
    401: ("unauthorized", "RunPod does not take the API key: check the backend's token."),
    402: ("unpaid", "RunPod asks for money: look at the account's balance."),
    403: ("forbidden", "RunPod forbids it: may this API key use this endpoint?"),
    404: ("not-found", "RunPod has no such endpoint: check the backend's url."),
    405: ("not-found", "It takes no POST at /run: is this the url of a RunPod endpoint?"),
}


class Strange(str):
    """A status nobody has told us of."""

    __slots__ = ()


State: TypeAlias = Waiting | Running | Finished | Inline | Link | Strange


def submitted(reply: Reply) -> str | Refused | InDoubt:
    """The id of the job that was made, or why there is none, or may be none."""
    if reply.status == 200:
        match _value(reply.body):
            case {"id": str(job)} if _JOB_ID.fullmatch(job):
                return job
        return InDoubt("HTTP 200, but not as RunPod answers")
    if reply.status == 429:  # no job was made: too many requests, or the queue is full
        return InDoubt("HTTP 429", sent=False)
    if reply.status in _SHUT_OUT:
        return Refused(*_SHUT_OUT[reply.status], shut_out=True)
    if reply.status == 400:
        return _rejected(reply.body)
    if reply.status == 413:
        return Refused("too-large", "The workflow is larger than RunPod accepts.")
    return InDoubt(f"HTTP {reply.status}")


def state(body: bytes, job: str) -> State:
    """What `/status/{job}` says of it. Raises `Unanswered` for what is no such answer."""
    match decoded(body):
        case {"id": str(other)} if other != job:
            raise Unanswered("the answer is about another job")
        case {"status": str(word), **rest}:
            return _state(word, rest)
    raise Unanswered("not as RunPod answers")


def _state(word: str, rest: dict[Any, Any]) -> State:
    match word:
        case "IN_QUEUE":
            return Waiting(None)
        case "IN_PROGRESS" | "RUNNING":
            return Running()
        case "COMPLETED":
            return _picture(rest.get("output")) or Finished(Rendered((), cached=False))
        case "FAILED":
            return Finished(_errored(rest))
        case "CANCELLED":
            return Finished(Interrupted())
        case "TIMED_OUT":
            began = "executionTime" in rest
            told = "it ran longer than allowed" if began else "it waited longer than allowed"
            return Finished(Errored(None, "RunPod", "TIMED_OUT", told, False))
    return Strange(word if _WORD.fullmatch(word) else "not a word")


def _picture(output: Any) -> Inline | Link | None:
    """The first picture of an output; the graph that was sent has one saving node."""
    match output:
        case {"images": [*images]}:
            for image in images:
                match image:
                    case {"type": "base64", "data": str(data)}:
                        return Inline(data)
                    case {"type": "s3_url", "data": str(url)}:
                        return Link(url)
    return None


def _errored(rest: dict[Any, Any]) -> Errored:
    """worker-comfyui says little in `error` and the rest in `output`; an exception of its own comes
    as JSON in the text."""
    kind, parts = _told(rest.get("error"))
    text = "; ".join([*parts, *_details(rest.get("output"))])
    memory = is_out_of_memory(kind, text)
    if found := _AT_NODE.search(text):
        return Errored(found[2], found[1], kind, sentence((found[3],)), memory)
    return Errored(None, "RunPod", kind, sentence((text or "no reason was given",)), memory)


def _told(error: Any) -> tuple[str, list[str]]:
    if not isinstance(error, str):
        return "FAILED", []
    match _value(error.encode(errors="replace")):
        case {"error_message": str(message), **more}:
            kind = more.get("error_type")
            name = re.search(r"[A-Za-z_][\w.]*", kind) if isinstance(kind, str) else None
            return (name[0][:200] if name else "FAILED"), [message]
    return "FAILED", [error]


def _details(output: Any) -> Iterator[str]:
    match output:
        case {"details": [*details]} | {"errors": [*details]}:
            yield from (text for text in details[:_DETAILS] if isinstance(text, str))


def _rejected(body: bytes) -> Refused | InDoubt:
    match _value(body):
        case {"error": str(message)} | {"message": str(message)}:
            return Refused("invalid-job", sentence((message,)))
        case {}:
            return Refused("invalid-job", "RunPod refuses the job and gives no reason.")
    return InDoubt("HTTP 400, but not as RunPod answers")


def _value(body: bytes) -> Any:
    try:
        return decoded(body)
    except Unanswered:
        return None
