"""The queue and the history of one life of a server. Both are gone with it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from threading import Condition
from typing import Any

# (number, prompt_id, graph, extra_data, outputs): a heap of these, so that a third prompt with the
# same number and id compares dicts and raises, as it does there
Item = tuple[float, str, Any, Any, list[str]]

HISTORY_TESTED_AT = 10_000
SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")


class PromptQueue:
    """Shared by the event loop and the one worker thread."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed  # called after each change, with the lock held
        self._more = Condition()
        self._pending: list[Item] = []
        self._running: Item | None = None
        self._history: dict[str, dict[str, Any]] = {}
        self._flags: dict[str, bool] = {}
        self._closed = False

    def put(self, item: Item) -> None:
        """Enqueue, whether or not the comparison then fails."""
        with self._more:
            heapq.heappush(self._pending, item)
            self._changed()
            self._more.notify()

    def take(self) -> Item | None:
        """Wait for the next prompt or for a flag; None when there is only a flag."""
        with self._more:
            self._more.wait_for(lambda: self._pending or self._flags or self._closed)
            if not self._pending or self._closed:
                return None
            item = heapq.heappop(self._pending)
            self._running = item
            self._changed()
            return item

    def finish(self, item: Item, entry: dict[str, Any] | None) -> None:
        """The running prompt ended; without an entry nothing will tell of it."""
        with self._more:
            self._running = None
            if entry is not None:
                if len(self._history) > HISTORY_TESTED_AT:
                    self._history.pop(next(iter(self._history)))
                self._history[item[1]] = {"prompt": [*item[:3], _public(item[3]), item[4]], **entry}
            self._changed()

    def close(self) -> None:
        """Let the worker go."""
        with self._more:
            self._closed = True
            self._more.notify_all()

    def remaining(self) -> int:
        """Pending and running."""
        return len(self._pending) + (self._running is not None)

    def shown(self) -> tuple[list[Item], list[Item]]:
        """Running, and pending in heap order."""
        with self._more:
            return [self._running] if self._running else [], list(self._pending)

    def is_running(self, prompt_id: str) -> bool:
        """Whether this prompt runs now."""
        running = self._running
        return running is not None and running[1] == prompt_id

    def wipe(self) -> None:
        """Drop all that is pending."""
        with self._more:
            self._pending = []
            self._changed()

    def delete(self, prompt_id: Any) -> None:
        """Drop the first pending prompt of this id."""
        with self._more:
            for place, item in enumerate(self._pending):
                if item[1] == prompt_id:
                    del self._pending[place]
                    heapq.heapify(self._pending)
                    self._changed()
                    return

    def history_of(self, prompt_id: str) -> dict[str, Any]:
        """The entry under its id, or nothing."""
        entry = self._history.get(prompt_id)
        return {} if entry is None else {prompt_id: entry}

    def history(self, max_items: int | None, offset: int) -> dict[str, Any]:
        """Oldest first; without an offset the newest `max_items`."""
        with self._more:
            if offset < 0 and max_items is not None:
                offset = len(self._history) - max_items
            shown: dict[str, Any] = {}
            for place, (prompt_id, entry) in enumerate(self._history.items()):
                if place >= offset:
                    shown[prompt_id] = entry
                    if max_items is not None and len(shown) >= max_items:
                        break
            return shown

    def wipe_history(self) -> None:
        """Forget every entry."""
        with self._more:
            self._history = {}

    def delete_history(self, prompt_id: Any) -> None:
        """Forget one entry."""
        with self._more:
            self._history.pop(prompt_id, None)

    def set_flag(self, name: str) -> None:
        """Ask the worker for something, after the running prompt."""
        with self._more:
            self._flags[name] = True
            self._more.notify()

    def take_flags(self) -> dict[str, bool]:
        """What was asked for since the last time."""
        with self._more:
            flags, self._flags = self._flags, {}
            return flags


def _public(extra_data: Any) -> Any:
    if not isinstance(extra_data, dict):
        return extra_data
    return {name: value for name, value in extra_data.items() if name not in SECRETS}
