"""Hints between a websocket that must be read at once and a consumer that may be slow."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace

from safelight.renderers.base import Connected, Disconnected, Ended, Hint, Progress

_ROOM = 10_000


class Mailbox:
    """An ordered, bounded box. An end is never dropped; of the progress of a prompt only the latest
    step and the latest preview are kept, of an outage only its last word.
    """

    def __init__(self) -> None:
        self._hints: OrderedDict[tuple[type[Hint], str], Hint] = OrderedDict()
        self._bell = asyncio.Event()
        self._finished = False

    def put(self, hint: Hint) -> bool:
        """Put it in, without waiting; False when the box is full, and the hint is not in it."""
        key = _key(hint)
        earlier = self._hints.get(key)
        if earlier is None and len(self._hints) >= _ROOM and isinstance(hint, Ended | Progress):
            return False
        if isinstance(hint, Progress) and isinstance(earlier, Progress) and hint.preview is None:
            hint = replace(hint, preview=earlier.preview)
        if isinstance(hint, Disconnected):
            self._hints.pop(_key(Connected()), None)
            self._hints.pop(key, None)
        self._hints[key] = hint
        self._bell.set()
        return True

    async def take(self) -> Hint | None:
        """The oldest hint, as soon as there is one; None after `finish()`, when all are taken."""
        while not self._hints:
            if self._finished:
                return None
            self._bell.clear()
            await self._bell.wait()
        return self._hints.popitem(last=False)[1]

    def finish(self) -> None:
        """Nothing more will come."""
        self._finished = True
        self._bell.set()


def _key(hint: Hint) -> tuple[type[Hint], str]:
    return type(hint), hint.prompt_id if isinstance(hint, Ended | Progress) else ""
