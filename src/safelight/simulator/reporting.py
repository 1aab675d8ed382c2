"""What is told about one prompt while it runs: events, messages, progress."""

from __future__ import annotations

import time
from typing import Any

from safelight.simulator.sockets import Sockets, preview_frame


class Report:
    """The account of one prompt; its messages go into the history."""

    def __init__(self, sockets: Sockets, prompt_id: str, sid: Any) -> None:
        self.sid = sid  # the client that asked, None: nobody in particular
        self.executing: str | None = None  # the node; told to a client that comes back
        self.messages: list[list[Any]] = []
        self._sockets = sockets
        self._prompt_id = prompt_id
        self._nodes: dict[str, dict[str, Any]] = {}

    def message(self, event: str, *, to_all: bool = False, **data: Any) -> None:
        """An event that is also kept in the history."""
        data = {"prompt_id": self._prompt_id, **data, "timestamp": int(time.time() * 1000)}
        self.messages.append([event, data])
        if self.sid is not None or to_all:
            self._sockets.tell(event, data, self.sid)

    def start(self, node: str) -> None:
        """A node begins."""
        self._state(node, "running", 0.0, 1.0)
        if self.sid is not None:
            self.executing = node
            told = {"node": node, "display_node": node, "prompt_id": self._prompt_id}
            self._sockets.tell("executing", told, self.sid)

    def step(self, node: str, value: int, limit: int, preview: bytes | None) -> None:
        """A node got a step further."""
        self._state(node, "running", value, limit)
        with_metadata = preview is not None and self._sockets.takes_metadata(self.sid)
        if preview is not None and with_metadata:
            self._sockets.tell_bytes(preview_frame(preview, self._about(node)), self.sid)
        told = {"value": value, "max": limit, "prompt_id": self._prompt_id, "node": node}
        self._sockets.tell("progress", told, self.sid)
        if preview is not None and not with_metadata:
            self._sockets.tell_bytes(preview_frame(preview, None), self.sid)

    def executed(self, node: str, output: dict[str, Any] | None) -> None:
        """What an output node has to show."""
        if self.sid is not None:
            told = {
                "node": node,
                "display_node": node,
                "output": output,
                "prompt_id": self._prompt_id,
            }
            self._sockets.tell("executed", told, self.sid)

    def finish(self, node: str) -> None:
        """A node ended; one that never began came from the cache."""
        state = self._nodes.get(node, {"value": 1, "max": 1})
        self._state(node, "finished", state["max"], state["max"])

    def end(self) -> None:
        """The very last word on this prompt, after the history has it."""
        if self.sid is not None:
            told = {"node": None, "prompt_id": self._prompt_id}
            self._sockets.tell("executing", told, self.sid)

    def is_heard(self) -> bool:
        """Whether a preview would reach anybody."""
        return self._sockets.listens(self.sid)

    def _state(self, node: str, state: str, value: float, limit: float) -> None:
        self._nodes[node] = {
            "value": value,
            "max": limit,
            "state": state,
            "node_id": node,
            "prompt_id": self._prompt_id,
            "display_node_id": node,
            "parent_node_id": None,
            "real_node_id": node,
        }
        told = {"prompt_id": self._prompt_id, "nodes": self._nodes}
        self._sockets.tell("progress_state", told, self.sid)

    def _about(self, node: str) -> dict[str, Any]:
        return {
            "node_id": node,
            "prompt_id": self._prompt_id,
            "display_node_id": node,
            "parent_node_id": None,
            "real_node_id": node,
            "image_type": "image/jpeg",
        }
