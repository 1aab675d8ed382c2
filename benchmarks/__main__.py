"""`python -m benchmarks [--only NAME …] [--quick]`: measure, tell, keep.

Exit code 0 only if every limit was kept.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from benchmarks.accepting import accept
from benchmarks.stage import Stage, stage
from benchmarks.verdict import Verdict
from benchmarks.waiting import batch_of_eight, batch_of_four, eight_clients, overhead

Benchmark: TypeAlias = Callable[[Stage, bool], list[Verdict]]
RESULTS: Final = Path(__file__).parent / "results"
BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "overhead": overhead,
    "rate": eight_clients,
    "batch-4": batch_of_four,
    "batch-8": batch_of_eight,
    "accept": accept,
}


def main(arguments: list[str]) -> int:
    """Run what is asked for and print a line for each finding."""
    given = _parser().parse_args(arguments)
    verdicts: list[Verdict] = []
    durability: dict[str, str] = {}
    for name in given.only or BENCHMARKS:
        with stage() as made:
            found = BENCHMARKS[name](made, given.quick)
            durability = made.durability()
        for verdict in found:
            print(verdict.line(), flush=True)
        verdicts += found
    told = " ".join(f"{name}={value}" for name, value in durability.items())
    print(f"PostgreSQL: {told}")
    _keep(verdicts, durability, given.quick)
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def _keep(verdicts: list[Verdict], durability: dict[str, str], quick: bool) -> None:
    RESULTS.mkdir(exist_ok=True)
    document: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": quick,
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load": os.getloadavg()[0],
        },
        "postgresql": durability,
        "findings": [verdict.document() for verdict in verdicts],
    }
    (RESULTS / "latest.json").write_text(json.dumps(_rounded(document), indent=1) + "\n")


def _rounded(value: Any) -> Any:
    """Three digits behind the point are more than two noisy cores can tell."""
    match value:
        case float():
            return round(value, 3)
        case dict():
            return {key: _rounded(inner) for key, inner in value.items()}
        case list():
            return [_rounded(inner) for inner in value]
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHMARKS, metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for a look, not a word")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
