"""Waiting for hints, and prompts to send."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from safelight.renderers.base import Connected, Ended, Hint, Progress, Prompt
from safelight.renderers.comfyui import ComfyUI


class Listener:
    """Collects the hints of a renderer while the block runs."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self._changed = asyncio.Event()

    async def until(self, met: Callable[[Hint], bool], seconds: float = 5) -> Hint:
        """The first hint that meets the condition."""
        async with asyncio.timeout(seconds):
            while True:
                for hint in self.hints:
                    if met(hint):
                        return hint
                self._changed.clear()
                await self._changed.wait()

    async def until_ended(self, prompt_id: str) -> None:
        """Wait for its end."""
        await self.until(lambda hint: hint == Ended(prompt_id))

    def progress(self, prompt_id: str) -> list[Progress]:
        """Its progress so far."""
        return [h for h in self.hints if isinstance(h, Progress) and h.prompt_id == prompt_id]

    async def listen(self, renderer: ComfyUI) -> None:
        """Collect until cancelled, or until the renderer is closed."""
        async for hint in renderer.hints():
            self.hints.append(hint)
            self._changed.set()


@asynccontextmanager
async def listening(renderer: ComfyUI, *, connected: bool = True) -> AsyncIterator[Listener]:
    """A listener, connected unless told otherwise."""
    listener = Listener()
    task = asyncio.create_task(listener.listen(renderer))
    try:
        if connected:
            await listener.until(lambda hint: hint == Connected())
        yield listener
    finally:
        task.cancel()
        await asyncio.wait([task])


def prompt_of(graph: dict[str, Any], output: str = "3", folder: str | None = None) -> Prompt:
    """A prompt with an id of its own."""
    return Prompt(str(uuid.uuid4()), graph, output, folder, {"safelight": {"index": 1}})
