"""More backends, more pictures: how near the ideal a batch and a fleet come, and what that costs.

The ideal is what the backends alone would take if nobody ever kept them waiting. They are simulated
in one process of their own, so that its processor time can be told from that of the others.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Final

from benchmarks.clients import OurClient
from benchmarks.stage import Stage
from benchmarks.timing import spread
from benchmarks.verdict import Verdict, at_least
from benchmarks.watching import cpu_ms, postgres_cpu_ms
from tests.processes import Simulating

SECONDS: Final = 1.0  # of one rendering
SIDE: Final = 64  # px
BATCH: Final = 8
GROUPS: Final = (1, 2, 4, 8)  # backends that share the batch
FLEET: Final = 64
IMAGES: Final = 2000
LARGEST: Final = 64  # images in one batch
USERS: Final = 8
_PATIENCE: Final = 110  # s


def speed_up(stage: Stage, quick: bool) -> list[Verdict]:
    """A batch of 8 images of 1 s, on 1, 2, 4 and 8 servers: ideal seconds / measured seconds."""
    simulated = stage.simulate_in_one(sum(GROUPS), seconds=SECONDS)
    serving = stage.serve([], config=_pools(simulated) + _NO_PREVIEWS)
    found: dict[int, list[float]] = {group: [] for group in GROUPS}

    async def measure() -> None:
        async with OurClient(serving.url, width=SIDE, height=SIDE) as ours:
            for group in GROUPS:
                await ours.order(group, character=f"by-{group}")
            for _ in range(1 if quick else 3):
                for group, times in found.items():
                    began = time.perf_counter()
                    await ours.order(BATCH, character=f"by-{group}")
                    times.append(time.perf_counter() - began)

    asyncio.run(measure())
    return [_speed_up(group, times) for group, times in found.items()]


def _pools(simulated: list[Simulating]) -> str:
    """A pool, a style and a character for each group of servers."""
    servers = iter(simulated)
    lines = []
    for group in GROUPS:
        for number in range(1, group + 1):
            lines += ["[[backends]]", f'name = "of-{group}-{number}"']
            lines += [f'url = "{next(servers).url}"', f'pool = "of-{group}"']
        lines += [f"[styles.by-{group}]", f'pool = "of-{group}"']
        lines += [f"[characters.by-{group}]", 'workflow = "quick"', f'style = "by-{group}"']
    return "\n".join(lines) + "\n"


def _speed_up(group: int, times: list[float]) -> Verdict:
    ideal = BATCH / group * SECONDS
    servers = "1 server" if group == 1 else f"{group} servers"
    return Verdict(
        f"speed-up-{group}",
        f"a batch of {BATCH} images of {SECONDS:g} s on {servers}: ideal time / measured time",
        *spread([ideal / seconds for seconds in times]),
        "of ideal",
        f"{median(times):.3f} s",
        f"{ideal:g} s (ideal)",
        at_least(0.95),
        {"seconds": times, "ideal": ideal},
    )


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time so far, in milliseconds."""

    serve: float
    postgres: float
    simulators: float

    def until(self, later: Cost, images: int) -> dict[str, float]:
        """What each took since, for one of so many images."""
        return {
            name: (getattr(later, name) - getattr(self, name)) / images
            for name in ("serve", "postgres", "simulators")
        }


def fleet(stage: Stage, quick: bool) -> list[Verdict]:
    """2,000 images of 1 s over 64 servers from one `serve`: ideal time / measured time."""
    images = IMAGES // 4 if quick else IMAGES
    simulated = stage.simulate_in_one(FLEET, seconds=SECONDS)
    serving = stage.serve_for(simulated, config=_NO_PREVIEWS)

    def cost() -> Cost:
        return Cost(
            cpu_ms(serving.process.popen.pid),
            postgres_cpu_ms(stage.postgres),
            cpu_ms(simulated[0].process.popen.pid),
        )

    async def measure() -> tuple[float, dict[str, float]]:
        async with OurClient(serving.url, width=SIDE, height=SIDE) as ours:
            await ours.order(LARGEST)
            before, began = cost(), time.perf_counter()
            await _order_at_once(ours, images)
            took = time.perf_counter() - began
            return took, before.until(cost(), images)

    return _fleet_verdicts(images, *asyncio.run(measure()))


async def _order_at_once(ours: OurClient, images: int) -> None:
    """All of them, in batches as large as may be, by several users; when all batches ended."""
    sizes = [min(LARGEST, images - start) for start in range(0, images, LARGEST)]
    orders = (
        ours.order(size, user=f"user-{number % USERS}", wait=_PATIENCE)
        for number, size in enumerate(sizes)
    )
    await asyncio.gather(*orders)


def _fleet_verdicts(images: int, took: float, costs: dict[str, float]) -> list[Verdict]:
    ideal = ceil(images / FLEET) * SECONDS
    raw = {"images": images, "seconds": took, "ideal": ideal}
    whose = {"serve": "serve", "postgres": "PostgreSQL", "simulators": "the simulated servers"}
    return [
        Verdict(
            "fleet",
            f"{images} images of {SECONDS:g} s over {FLEET} servers, one serve: ideal / measured",
            *spread([ideal / took]),
            "of ideal",
            f"{took:.2f} s",
            f"{ideal:g} s (ideal)",
            at_least(0.9),
            {**raw, "cpu_ms_an_image": costs},
        ),
        *(
            Verdict(
                f"fleet-{name}",
                f"processor time of {who} for one image of the fleet",
                *spread([costs[name]]),
                "CPU ms/image",
                f"{costs[name]:.1f}",
                "-",
            )
            for name, who in whose.items()
        ),
    ]


_NO_PREVIEWS: Final = "[rendering]\npreviews = false\n"
