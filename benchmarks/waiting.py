"""What waiting for pictures costs beside a plain client that keeps nothing: time and rate.

Both draw on the same simulated server, in turns, while the other is idle. A round is one turn of
each; a round's ratio or difference is between neighbours in time, and the median over the rounds
is what counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any, Final, TypeAlias

from benchmarks.clients import OurClient, PlainClient
from benchmarks.disk import sync_ms
from benchmarks.stage import Stage
from benchmarks.timing import each, rate, spread
from benchmarks.verdict import Verdict, at_least, at_most

PACE: Final = 0.012  # s a real server took for 64 px
PACE_256: Final = 0.019  # s for 256 px: a direct client of the real one had four in 80 ms
CLIENTS: Final = 8
SPREAD: Final = 150.0  # s over which the rounds of `overhead` are spread
Pair: TypeAlias = tuple[PlainClient, OurClient]
Round: TypeAlias = Callable[[PlainClient, OurClient], Awaitable[tuple[Any, Any]]]


def overhead(stage: Stage, quick: bool) -> list[Verdict]:
    """One 64 px image, one client: what is added to the plain client's time.

    Many short rounds, spread over longer than a noisy neighbour's mood lasts.
    """
    count = 15 if quick else 30

    async def one(plain: PlainClient, ours: OurClient) -> tuple[list[float], list[float]]:
        theirs = await each(lambda: plain.draw(1, 64), count)
        return theirs, await each(lambda: ours.draw(1, 64), count)

    rounds, disk = _rounds(stage, one, 3 if quick else 30, every=0 if quick else SPREAD / 30)
    added = [median(ours) - median(plain) for plain, ours in rounds]
    return [
        Verdict(
            "overhead",
            "one 64 px image, one client: added to a plain client's time",
            *spread(added),
            "ms added",
            f"{median(median(ours) for _, ours in rounds):.1f} ms",
            f"{median(median(plain) for plain, _ in rounds):.1f} ms",
            at_most(14, 10),
            {"rounds": _named(rounds), "fsync_ms": disk},
        )
    ]


def eight_clients(stage: Stage, quick: bool) -> list[Verdict]:
    """Images a second for eight clients, as a share of the plain client's."""
    count = 80 if quick else 240

    async def one(plain: PlainClient, ours: OurClient) -> tuple[float, float]:
        theirs = await rate(lambda: plain.draw(1, 64), count, CLIENTS)
        return theirs, await rate(lambda: ours.draw(1, 64), count, CLIENTS)

    rounds, disk = _rounds(stage, one, 3 if quick else 7)
    return [
        Verdict(
            "rate",
            "64 px images a second, 8 clients: share of a plain client's rate",
            *spread([ours / plain for plain, ours in rounds]),
            "of the floor",
            f"{median(ours for _, ours in rounds):.1f} /s",
            f"{median(plain for plain, _ in rounds):.1f} /s",
            at_least(0.8),
            {"rounds": _named(rounds), "fsync_ms": disk},
        )
    ]


def batch_of_four(stage: Stage, quick: bool) -> list[Verdict]:
    """A batch of 4 at 256 px, against four plain prompts in flight at once."""
    count = 6 if quick else 12

    async def one(plain: PlainClient, ours: OurClient) -> tuple[list[float], list[float]]:
        theirs = await each(lambda: plain.draw(4, 256), count)
        return theirs, await each(lambda: ours.draw(4, 256), count)

    rounds, disk = _rounds(stage, one, 3 if quick else 9, PACE_256)
    return [
        Verdict(
            "batch-4",
            "a batch of 4 at 256 px: multiple of a plain client's time with 4 in flight",
            *spread([median(ours) / median(plain) for plain, ours in rounds]),
            "x the floor",
            f"{median(median(ours) for _, ours in rounds):.1f} ms",
            f"{median(median(plain) for plain, _ in rounds):.1f} ms",
            at_most(1.35, 1.15),
            {"rounds": _named(rounds), "fsync_ms": disk},
        )
    ]


def batch_of_eight(stage: Stage, quick: bool) -> list[Verdict]:
    """A batch of 8 images of 1 s on four servers: two each, so 2 s are the ideal."""
    simulated = stage.simulate_many(4, seconds=1.0)
    serving = stage.serve_for(simulated)

    async def measure() -> list[float]:
        async with OurClient(serving.url) as ours:
            await ours.draw(4, 64)
            return await each(lambda: ours.draw(8, 64), 2 if quick else 5)

    times = [ms / 1e3 for ms in asyncio.run(measure())]
    return [
        Verdict(
            "batch-8",
            "a batch of 8 images of 1 s on 4 servers: seconds until all are fetched",
            *spread(times),
            "s",
            f"{median(times):.3f} s",
            "2 s (ideal)",
            at_most(1.05 * 2 + 0.1),
            {"seconds": times},
        )
    ]


def _rounds(
    stage: Stage, one: Round, count: int, pace: float = PACE, *, every: float = 0.0
) -> tuple[list[tuple[Any, Any]], list[float]]:
    """So many rounds after a warm-up, and how long the disk took to sync before each; a round
    begins at least `every` seconds after the one before."""
    simulated = stage.simulate(seconds=pace)
    serving = stage.serve_for([simulated])

    async def measure() -> tuple[list[tuple[Any, Any]], list[float]]:
        rounds, disk = [], []
        async with PlainClient(simulated.url) as plain, OurClient(serving.url) as ours:
            await one(plain, ours)
            for _ in range(count):
                pause = asyncio.create_task(asyncio.sleep(every))
                disk.append(sync_ms(stage.home))
                rounds.append(await one(plain, ours))
                await pause
        return rounds, disk

    return asyncio.run(measure())


def _named(rounds: list[tuple[Any, Any]]) -> list[dict[str, Any]]:
    return [{"plain": plain, "ours": ours} for plain, ours in rounds]
