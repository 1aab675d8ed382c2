"""Many pictures through one `serve`: what it holds in memory, and how many a second it carries."""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Final

from benchmarks.clients import OurClient
from benchmarks.stage import Stage
from benchmarks.timing import rate, spread
from benchmarks.verdict import Verdict, at_most
from benchmarks.watching import MemoryWatch, Sample, cpu_ms, high_water_mb, postgres_cpu_ms
from tests.processes import Serving

SIDE: Final = 1216  # px: a painted PNG of it has about 1 MB
BYTES: Final = (900_000, 1_200_000)  # what counts as about 1 MB
QUANTITY: Final = 4
CLIENTS: Final = 4
POINTS: Final = 200  # kept of the memory curve
BACKENDS: Final = 16


class Passed:
    """The pictures fetched so far, and their sizes."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def count(self) -> int:
        """How many."""
        return len(self.sizes)

    async def draw(self, ours: OurClient) -> None:
        """Order a batch, and fetch its pictures when it ended."""
        batch = await ours.order(QUANTITY, width=SIDE, height=SIDE)
        for url in batch["urls"]:
            self.sizes.append(await ours.fetch(url))


def memory(stage: Stage, quick: bool) -> list[Verdict]:
    """What `serve` holds while pictures of 1 MB are gathered, stored and fetched."""
    images = 200 if quick else 2000
    serving = stage.serve_for(stage.simulate_many(2, seconds=0))
    pid = serving.process.popen.pid
    passed = Passed()

    async def measure() -> None:
        async with OurClient(serving.url) as ours:
            await rate(lambda: passed.draw(ours), images // QUANTITY, CLIENTS)

    with MemoryWatch(pid, passed.count) as watch:
        asyncio.run(measure())
    assert BYTES[0] <= median(passed.sizes) <= BYTES[1], median(passed.sizes)
    peak = _peak(watch.samples, passed, high_water_mb(pid))
    return [peak, _growth(watch.samples, judged=not quick)]


def _peak(samples: list[Sample], passed: Passed, high_water: float) -> Verdict:
    held = [sample.mb for sample in samples]
    size = median(passed.sizes)
    told = f"{passed.count()} images of {size / 1e6:.2f} MB"
    return Verdict(
        "memory-peak",
        f"the most that serve held while {told} passed, PostgreSQL not counted",
        *spread([max(held)]),
        "MB",
        f"{max(held):.0f} MB",
        f"{held[0]:.0f} MB (idle)",
        at_most(250),
        {
            "images": passed.count(),
            "image_bytes": size,
            "kernel_peak_mb": high_water,
            "columns": ["seconds", "images", "mb"],
            "series": [[one.seconds, one.passed, one.mb] for one in thinned(samples)],
        },
    )


def _growth(samples: list[Sample], *, judged: bool) -> Verdict:
    """A quick run ends before serve has reached its level: it tells, but cannot judge."""
    held = [sample.mb for sample in samples]
    quarter = len(held) // 4
    second, last = median(held[quarter : 2 * quarter]), median(held[-quarter:])
    return Verdict(
        "memory-growth",
        "memory of serve: median of the last quarter above that of the second",
        *spread([last - second]),
        "MB",
        f"{last:.0f} MB",
        f"{second:.0f} MB (2nd q.)",
        at_most(10) if judged else (),
        {"second_quarter_mb": second, "last_quarter_mb": last},
    )


def thinned(samples: list[Sample]) -> list[Sample]:
    """At most POINTS of them: of each run of neighbours the one that held the most."""
    step = -(-len(samples) // POINTS)
    runs = (samples[at : at + step] for at in range(0, len(samples), step))
    return [max(run, key=lambda sample: sample.mb) for run in runs]


def pull(stage: Stage, quick: bool) -> list[Verdict]:
    """Images a second that one database and one serve carry, and what an image costs them."""
    rounds, images = (3, 100) if quick else (4, 500)
    serving = stage.serve_for(stage.simulate_in_one(BACKENDS, seconds=0))
    found: dict[str, list[float]] = {"images_per_s": [], "serve_ms": [], "postgres_ms": []}

    async def measure() -> None:
        async with OurClient(serving.url, width=64, height=64) as ours:
            await _carry(ours, 2 * BACKENDS)
            for _ in range(rounds):
                before = _costs(stage, serving)
                found["images_per_s"].append(await _carry(ours, images))
                costs = zip(before, _costs(stage, serving), strict=True)
                serve_ms, postgres_ms = ((after - start) / images for start, after in costs)
                found["serve_ms"].append(serve_ms)
                found["postgres_ms"].append(postgres_ms)

    asyncio.run(measure())
    return _pull_verdicts(found, images)


async def _carry(ours: OurClient, images: int) -> float:
    """Images a second; there are always more in line than the backends hold, two slots each."""
    batches = await rate(lambda: ours.order(QUANTITY), images // QUANTITY, BACKENDS)
    return batches * QUANTITY


def _costs(stage: Stage, serving: Serving) -> tuple[float, float]:
    return cpu_ms(serving.process.popen.pid), postgres_cpu_ms(stage.postgres)


def _pull_verdicts(found: dict[str, list[float]], images: int) -> list[Verdict]:
    wheres = {
        "pull": (
            "images_per_s",
            f"64 px images carried, {BACKENDS} backends, one serve, one database",
            "images/s",
        ),
        "pull-serve": ("serve_ms", "processor time of serve for one image", "CPU ms/image"),
        "pull-postgres": (
            "postgres_ms",
            "processor time of PostgreSQL for one image",
            "CPU ms/image",
        ),
    }
    return [
        Verdict(
            name,
            what,
            *spread(found[key]),
            unit,
            f"{median(found[key]):.1f}",
            "-",
            raw={"rounds": found[key], "images_a_round": images},
        )
        for name, (key, what, unit) in wheres.items()
    ]
