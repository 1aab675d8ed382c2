"""Taking times in turns: two cores that others use as well make only ratios of one run count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import TypeAlias

Step: TypeAlias = Callable[[], Awaitable[object]]


async def each(step: Step, count: int) -> list[float]:
    """Milliseconds of each of so many steps, one after the other."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        await step()
        times.append((time.perf_counter() - began) * 1e3)
    return times


async def rate(step: Step, count: int, clients: int) -> float:
    """Steps a second, by so many clients that always have one under way."""
    left = iter(range(count))

    async def one() -> None:
        for _ in left:
            await step()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    return count / (time.perf_counter() - began)


def spread(values: list[float]) -> tuple[float, float, float]:
    """Median, least and greatest."""
    return median(values), min(values), max(values)
