"""Pictures are made of pictures few at a time, whoever stays or goes."""

from __future__ import annotations

import asyncio
import threading

import pytest

from safelight.gateway.making import Making


async def read() -> bytes:
    return b"picture"


async def test_who_goes_leaves_the_turn_to_the_thread_until_it_is_done() -> None:
    """A thread goes on when nobody waits for it any more, and so does what it holds in memory: the
    next one begins when it has ended, however many have come and gone."""
    making, free, begun = Making(), threading.Event(), threading.Semaphore(0)
    running: list[int] = []

    def work(data: bytes) -> bytes:
        running.append(1)
        begun.release()
        free.wait(30)
        return data.upper()

    async def begin() -> bytes:
        return await making.of(read, work)

    tasks = [asyncio.create_task(begin()) for _ in range(2)]
    for _ in tasks:
        assert await asyncio.to_thread(begun.acquire, timeout=30)
    for task in tasks:
        task.cancel()
    gone = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in gone] == [asyncio.CancelledError] * 2
    others = [asyncio.create_task(begin()) for _ in range(5)]
    await asyncio.sleep(0.1)
    assert len(running) == 2
    others.pop().cancel()
    free.set()
    assert await asyncio.gather(*others) == [b"PICTURE"] * 4
    assert len(running) == 6


async def test_what_fails_gives_the_turn_back() -> None:
    """What cannot be read, and what nothing can be made of."""
    making = Making()

    async def missing() -> bytes:
        raise FileNotFoundError

    def broken(_: bytes) -> bytes:
        raise ArithmeticError

    for _ in range(5):
        with pytest.raises(FileNotFoundError):
            await making.of(missing, bytes.upper)
        with pytest.raises(ArithmeticError):
            await making.of(read, broken)
    assert await making.of(read, bytes.upper) == b"PICTURE"
