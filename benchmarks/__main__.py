"""`python -m benchmarks [--only NAME …] [--quick]`: measure, tell, keep.

Exit code 0 only if every limit was kept. A whole run is kept as the reference in `results`; a quick
or a partial one goes to `.cache/benchmarks`, so that it never takes the reference's place.
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
from benchmarks.auditing import audit
from benchmarks.guarding import guarded
from benchmarks.listening import listeners
from benchmarks.looking import look
from benchmarks.passing import memory, pull
from benchmarks.plot import draw
from benchmarks.publishing import publish
from benchmarks.scaling import fleet, speed_up
from benchmarks.stage import HOMES, Stage, stage
from benchmarks.verdict import Verdict
from benchmarks.waiting import batch_of_eight, batch_of_four, eight_clients, overhead

Benchmark: TypeAlias = Callable[[Stage, bool], list[Verdict]]
REFERENCE: Final = Path(__file__).parent / "results" / "latest.json"
PARTIAL: Final = HOMES / "partial.json"
BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "overhead": overhead,
    "rate": eight_clients,
    "batch-4": batch_of_four,
    "batch-8": batch_of_eight,
    "speed-up": speed_up,
    "accept": accept,
    "guarded": guarded,
    "listeners": listeners,
    "memory": memory,
    "pull": pull,
    "fleet": fleet,
    "audit": audit,
    "publish": publish,
    "look": look,
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
    kept = _keep(verdicts, durability, given.quick, whole=not (given.quick or given.only))
    print(f"Kept: {kept} and {kept.with_suffix('.png').name}")
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def _keep(verdicts: list[Verdict], durability: dict[str, str], quick: bool, *, whole: bool) -> Path:
    """Write the findings and their picture; the document's path, from here if it is below."""
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
    file = (REFERENCE if whole else PARTIAL).absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    document = _rounded(document)
    file.write_text(json.dumps(document, indent=1) + "\n")
    draw(document, file.with_suffix(".png"))
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file


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
