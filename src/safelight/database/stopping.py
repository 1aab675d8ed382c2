"""How tasks are ended, so that every one of them really ends."""

from __future__ import annotations

import asyncio
from typing import Any

_PATIENCE = 1.0  # s until it is asked again


async def stop(*tasks: asyncio.Task[Any] | None) -> list[BaseException]:
    """Cancel tasks and wait for them, again if need be: libraries lose a cancellation now and then.

    Returns what they failed with, cancellations left out.
    """
    left = {task for task in tasks if task is not None}
    all_tasks = list(left)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_PATIENCE)
    failed = [task.exception() for task in all_tasks if not task.cancelled()]
    return [error for error in failed if error is not None]
