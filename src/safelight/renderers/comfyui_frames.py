"""The frames of ComfyUI's websocket, read as hints. No byte is trusted, none raises.

Most frames tell us nothing (`progress_state` repeats every node of the graph at every step), so the
type is read from the first bytes and only the three types that matter are decoded.
"""

from __future__ import annotations

from typing import Any

import msgspec

from safelight.renderers.base import Ended, Hint, Progress

_LEADS = (b'{"type": "', b'{"type":"')
_WANTED = (b"progress", b"executing", b"execution_start")
_PREVIEW = 1
_PREVIEW_WITH_METADATA = 4
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_PREVIEW_LIMIT = 2 * 2**20  # bytes
_ID_LIMIT = 128  # characters
_STEPS_LIMIT = 1_000_000


class _Data(msgspec.Struct):
    prompt_id: str | None = None
    node: Any = msgspec.UNSET
    value: int | float = 0
    max: int | float = 0


class _Event(msgspec.Struct):
    type: str
    data: _Data


class _Metadata(msgspec.Struct):
    prompt_id: str


_event = msgspec.json.Decoder(_Event)
_metadata = msgspec.json.Decoder(_Metadata)
_MALFORMED = (msgspec.MsgspecError, ValueError, RecursionError)


class Frames:
    """The reader of one connection's frames; it remembers which prompt runs."""

    def __init__(self, previews: bool) -> None:
        self._previews = previews
        self._running: str | None = None
        self._latest: Progress | None = None
        self._early: tuple[str, bytes] | None = None

    def text(self, frame: bytes) -> Hint | None:
        """The hint in a text frame. Of the ends only `executing {node: null}` counts: when
        `execution_success`, `_error` or `_interrupted` comes, the history is not there yet.
        """
        kind = _kind(frame)
        if kind is not None and kind not in _WANTED:
            return None
        try:
            event = _event.decode(frame)
        except _MALFORMED:
            return None
        if event.type == "progress":
            return self._progress(event.data)
        if event.type == "executing" and event.data.node is None:
            return self._ended(event.data.prompt_id)
        if event.type in ("executing", "execution_start") and _is_id(event.data.prompt_id):
            self._running = event.data.prompt_id
        return None

    def binary(self, frame: bytes) -> Hint | None:
        """The preview in a binary frame. An old server does not say whose it is: of what runs."""
        if not self._previews or len(frame) < 8:
            return None
        kind = int.from_bytes(frame[:4])
        if kind == _PREVIEW:
            return self._preview(self._running, frame[8:])
        if kind == _PREVIEW_WITH_METADATA:
            start = 8 + int.from_bytes(frame[4:8])
            return self._preview(_owner(frame[8:start]), frame[start:])
        return None

    def _progress(self, data: _Data) -> Hint | None:
        prompt_id = data.prompt_id or self._running
        if prompt_id is None or not _is_id(prompt_id):
            return None
        if not 0 <= data.value <= data.max or not 1 <= data.max <= _STEPS_LIMIT:
            return None
        early, self._early = self._early, None
        preview = early[1] if early is not None and early[0] == prompt_id else None
        self._running = prompt_id
        self._latest = Progress(prompt_id, int(data.value), int(data.max))
        if preview is None:
            return self._latest
        return Progress(prompt_id, int(data.value), int(data.max), preview)

    def _preview(self, prompt_id: str | None, picture: bytes) -> Hint | None:
        if prompt_id is None or not picture.startswith(_PICTURES) or len(picture) > _PREVIEW_LIMIT:
            return None
        if self._latest is None or self._latest.prompt_id != prompt_id:
            # The preview of the first step comes before the step itself, which takes it along.
            self._early = (prompt_id, picture)
            return None
        return Progress(prompt_id, self._latest.step, self._latest.steps, picture)

    def _ended(self, prompt_id: str | None) -> Hint | None:
        self._running = self._latest = self._early = None
        return Ended(prompt_id) if prompt_id is not None and _is_id(prompt_id) else None


def _kind(frame: bytes) -> bytes | None:
    for lead in _LEADS:
        if frame.startswith(lead):
            return frame[len(lead) : frame.find(b'"', len(lead), len(lead) + 64)]
    return None


def _owner(metadata: bytes) -> str | None:
    try:
        prompt_id = _metadata.decode(metadata).prompt_id
    except _MALFORMED:
        return None
    return prompt_id if _is_id(prompt_id) else None


def _is_id(prompt_id: str | None) -> bool:
    return prompt_id is not None and 0 < len(prompt_id) <= _ID_LIMIT
