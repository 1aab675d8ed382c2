"""What keys and quotas cost: batches accepted a second with a key that has three quotas, against a
server without keys.

Two servers with a home and a database each, on the same disk, asked in turns by the same sixteen
clients. One key is the worst case: its quotas are two rows that every order has to write.
"""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Final

from benchmarks.accepting import CLIENTS, Account, orders
from benchmarks.stage import Stage, stage
from benchmarks.timing import spread
from benchmarks.verdict import Verdict, at_least

_LIMITS: Final = """
[limits]
batches_per_minute = 1000000
images_per_day = 100000000
images_per_user_per_day = 100000000
"""


def guarded(free: Stage, quick: bool) -> list[Verdict]:
    """Orders over 16 series, with a key and without one, in turns."""
    count = 300 if quick else 1200
    rounds: list[tuple[float, float]] = []
    without, with_key = Account(), Account()
    with stage() as home:
        open_door = free.serve([], "--no-worker").url
        behind = home.serve([], "--no-worker", config=_LIMITS).url
        key = _key(home)

        async def measure() -> None:
            await orders(open_door, 100, "warm", CLIENTS, without)
            await orders(behind, 100, "warm", CLIENTS, with_key, key)
            for _ in range(2 if quick else 5):
                plain = await orders(open_door, count, "many", CLIENTS, without)
                counted = await orders(behind, count, "many", CLIENTS, with_key, key)
                rounds.append((plain, counted))

        asyncio.run(measure())
    checked = {"batches": without.check() + with_key.check(), "indices_exact": True}
    return [
        Verdict(
            "guarded",
            "batches of 4 accepted a second with a key and three quotas: share of the rate without",
            *spread([counted / plain for plain, counted in rounds]),
            "of the floor",
            f"{median(counted for _, counted in rounds):.0f} /s",
            f"{median(plain for plain, _ in rounds):.0f} /s",
            at_least(0.6),
            {"rounds": rounds, **checked},
        )
    ]


def _key(home: Stage) -> str:
    made = home.start("keys", "create", "--scope", "admin")
    assert made.popen.wait(60) == 0, made.lines
    made.end_of_lines()
    return next(line for line in made.lines if line.startswith("slk_"))
