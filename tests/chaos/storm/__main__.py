"""`python -m tests.chaos.storm`: the long form. Exit code 0 only if nothing was violated."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
from pathlib import Path

from tests.chaos.storm.plan import make_plan
from tests.chaos.storm.report import Report
from tests.chaos.storm.run import run

CACHE = Path(__file__).parents[3] / ".cache" / "chaos"
SETTLE = 40.0  # s after the storm in which every image must have ended
LIMIT = 300.0  # s for everything


def main(arguments: list[str]) -> int:
    """Storm once."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.storm")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--seconds", type=float, default=240, help="of storm, at most 240")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--strike-every", type=float, default=2.8, help="seconds, on the average")
    chosen = parser.parse_args(arguments)
    print(f"seed {chosen.seed}", flush=True)
    plan = make_plan(chosen.seed, min(chosen.seconds, 240), chosen.images, chosen.strike_every)
    folder = CACHE / f"run-{chosen.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        report = asyncio.run(asyncio.wait_for(run(plan, folder, SETTLE), LIMIT))
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        print("stopped; nothing is left running")
        return 130
    except TimeoutError:
        print(f"given up after {LIMIT:g} s; logs, files and database: {folder}")
        return 1
    print(report.text())
    print(report.write(CACHE))
    if not passed(report):
        print(f"logs, files and database: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def passed(report: Report) -> bool:
    """Nothing violated, nothing left running, and everything struck."""
    for name in report.calm:
        print(f"never struck: {name}")
    return not report.violations and not report.left_running and not report.calm


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
