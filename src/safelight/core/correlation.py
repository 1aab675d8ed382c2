"""What a backend says about a prompt, turned into records, or refused as unreadable.

Nothing here trusts a byte: a history entry may come from a proxy, a half-updated server or a
custom node. What is not of the measured shape raises `ValueError` with a short reason; nothing is
guessed, because a guess would hand out somebody else's picture.

Shapes: ComfyUI 0.3.64, `GET /history/{prompt_id}` and `GET /queue`, as recorded in
`tests/simulator/transcripts`; newer servers append fields, which is allowed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file as the backend's `/view` names it."""

    filename: str
    subfolder: str  # below the folder of `type`; "" for the folder itself
    type: str  # "output"; "temp" files are wiped and never counted


@dataclass(frozen=True, slots=True)
class Rendered:
    """It ended well. `files` are those of the output node alone, in its order; maybe none."""

    files: tuple[OutputFile, ...]
    cached: bool  # the output node did not run: the files are those of an earlier prompt


@dataclass(frozen=True, slots=True)
class Errored:
    """A node raised. Texts can be stored: no NUL, no lone surrogate, at most 2,000 characters."""

    node: str | None
    node_type: str | None
    exception_type: str
    message: str
    out_of_memory: bool


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Somebody stopped it while it ran."""


Outcome: TypeAlias = Rendered | Errored | Interrupted

_MESSAGE_LIMIT = 2_000
_NAME_LIMIT = 255  # bytes of a file name on every common file system
_OUT_OF_MEMORY_TYPES = ("OutOfMemoryError", "MemoryError")
# PyTorch on CUDA, ROCm, MPS and the CPU; ComfyUI's own sentence; cuDNN.
_OUT_OF_MEMORY_WORDS = re.compile(
    r"out of memory|allocation on device|not enough memory|CUDNN_STATUS_ALLOC_FAILED",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def read_history(entry: object, prompt_id: str, output: str) -> Outcome:
    """The outcome of `prompt_id` from its history entry, where node `output` saves the picture.

    `entry` is the value of `GET /history/{prompt_id}` under the key `prompt_id`. Raises
    `ValueError` when it has another shape, belongs to another prompt, contradicts itself, or names
    a file outside its folder.
    """
    document = _object(entry, "entry")
    _check_owner(document, prompt_id)
    status = _object(document.get("status"), "status")
    messages = _messages(status, prompt_id)
    succeeded = _succeeded(status)
    failure = _failure(messages)
    if succeeded:
        if failure is not None:
            raise ValueError("status is success, but a message says it failed")
        return Rendered(_files(document, output), _was_cached(messages, output))
    return failure or Errored(None, None, "", "the backend gave no reason", False)


def held(queue: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The prompt ids of `GET /queue`: those running, and those pending in the order they will run.

    The server lists its heap as it lies in memory; it runs by (number, id). Raises `ValueError`
    on another shape.
    """
    document = _object(queue, "queue")
    return _held_ids(document, "queue_running"), _held_ids(document, "queue_pending")


def is_out_of_memory(exception_type: str, message: str) -> bool:
    """Whether an execution error means that the device (or the host) had too little memory."""
    return (
        exception_type.rpartition(".")[2] in _OUT_OF_MEMORY_TYPES
        or _OUT_OF_MEMORY_WORDS.search(message) is not None
    )


def attempt_named(note: str | None) -> str | None:
    """The attempt that a picture's file names in its `safelight` text; None if it names none.

    What we send with a prompt as `extra_pnginfo.safelight`, savers write into the file.
    """
    try:
        said = json.loads(note or "null")
    except (ValueError, RecursionError):
        return None
    attempt = said.get("attempt") if isinstance(said, dict) else None
    return attempt if isinstance(attempt, str) else None


def _check_owner(document: dict[str, Any], prompt_id: str) -> None:
    prompt = _array(document.get("prompt"), "prompt")
    if len(prompt) < 2 or prompt[1] != prompt_id:
        raise ValueError("the entry belongs to another prompt")


def _messages(status: dict[str, Any], prompt_id: str) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for message in _array(status.get("messages"), "status.messages"):
        pair = _array(message, "message")
        if len(pair) != 2:
            raise ValueError("message is not a pair")
        data = _object(pair[1], "message data")
        if data.get("prompt_id", prompt_id) != prompt_id:
            raise ValueError("a message belongs to another prompt")
        found.append((_text(pair[0], "message type"), data))
    return found


def _succeeded(status: dict[str, Any]) -> bool:
    match status.get("status_str"), status.get("completed"):
        case "success", True:
            return True
        case "error", False:
            return False
    raise ValueError("status is neither a success nor an error")


def _failure(messages: list[tuple[str, dict[str, Any]]]) -> Errored | Interrupted | None:
    for kind, data in reversed(messages):
        if kind == "execution_interrupted":
            return Interrupted()
        if kind == "execution_error":
            return _errored(data)
    return None


def _errored(data: dict[str, Any]) -> Errored:
    exception_type = _text(data.get("exception_type"), "exception_type")
    message = _text(data.get("exception_message"), "exception_message")
    return Errored(
        node=_optional_text(data.get("node_id"), "node_id"),
        node_type=_optional_text(data.get("node_type"), "node_type"),
        exception_type=_storable(exception_type),
        message=_storable(message),
        out_of_memory=is_out_of_memory(exception_type, message),
    )


def _was_cached(messages: list[tuple[str, dict[str, Any]]], output: str) -> bool:
    return any(
        output in _array(data.get("nodes"), "execution_cached.nodes")
        for kind, data in messages
        if kind == "execution_cached"
    )


def _files(document: dict[str, Any], output: str) -> tuple[OutputFile, ...]:
    shown = _object(document.get("outputs"), "outputs").get(output, {})
    pictures = _array(_object(shown, "output").get("images", []), "images")
    described = [_object(picture, "image") for picture in pictures]
    return tuple(_file(picture) for picture in described if picture.get("type") == "output")


def _file(picture: dict[str, Any]) -> OutputFile:
    filename = _text(picture.get("filename"), "filename")
    subfolder = _text(picture.get("subfolder"), "subfolder")
    if not _is_safe_name(filename):
        raise ValueError("filename is not a plain file name")
    # A server on Windows separates folders with a backslash.
    if subfolder and not all(_is_safe_name(part) for part in re.split(r"[/\\]", subfolder)):
        raise ValueError("subfolder leaves the output folder")
    return OutputFile(filename, subfolder, "output")


def _is_safe_name(name: str) -> bool:
    """No separator, drive, control character or `..` (with which `/view` answers 400)."""
    return (
        name not in ("", ".")
        and ".." not in name
        and not any(character in name for character in "/\\:")
        and _CONTROL.search(name) is None
        and len(name.encode()) <= _NAME_LIMIT
    )


def _held_ids(document: dict[str, Any], key: str) -> tuple[str, ...]:
    places: list[tuple[bool, float, str]] = []
    for item in _array(document.get(key), key):
        row = _array(item, f"{key} item")
        if len(row) < 2:
            raise ValueError(f"{key} item is too short")
        number = row[0]
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError(f"{key} item has no number")
        prompt_id = _text(row[1], f"{key} prompt id")
        # A stranger may have posted NaN, which has no place in any order.
        places.append((number != number, 0 if number != number else number, prompt_id))
    return tuple(prompt_id for _, _, prompt_id in sorted(places))


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode(errors="replace").decode().strip()[:_MESSAGE_LIMIT]


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")
    return value


def _array(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{name} is not an array")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a string")
    return value


def _optional_text(value: object, name: str) -> str | None:
    return None if value is None else _storable(_text(value, name))
