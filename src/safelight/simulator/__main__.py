"""`python -m safelight.simulator`: the flags of `safelight simulate`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from safelight.simulator.main import Options, run


def main(arguments: list[str]) -> int:
    """Parse, run, and give the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        options = Options(
            home=given.home,
            host=given.host,
            port=given.port,
            count=given.count,
            seconds=given.seconds,
            steps=given.steps,
            faults=dict(map(fault_given, given.fault)),
            output=given.output,
            seed=given.seed,
            lab=given.lab,
            lab_scale=given.lab_scale,
            models_any=given.models == "any",
        )
    except ValueError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    return run(options)


def fault_given(text: str) -> tuple[str, float]:
    """`NAME:PROBABILITY` as a pair.

    >>> fault_given("oom:0.25")
    ('oom', 0.25)
    """
    name, _, probability = text.partition(":")
    try:
        return name, float(probability)
    except ValueError:
        raise ValueError(f"a fault is given as NAME:PROBABILITY, not {text!r}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="safelight.simulator", description="A ComfyUI to practise on."
    )
    parser.add_argument(
        "--home", type=Path, required=True, help="where the servers keep their files"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8188, help="of the first server; 0: free ones")
    parser.add_argument("--count", type=int, default=1, help="servers, on following ports")
    parser.add_argument("--seconds", type=float, default=2.0, help="a rendering's whole time")
    parser.add_argument("--steps", type=int, default=20, help="progress steps of a rendering")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME:PROBABILITY")
    parser.add_argument("--output", type=Path, help="one output folder for all servers")
    parser.add_argument("--seed", type=int, help="of the faults' dice")
    parser.add_argument("--lab", action="store_true", help="the nodes of the recordings")
    parser.add_argument("--lab-scale", type=float, default=1.0, help="of the lab nodes' seconds")
    parser.add_argument("--models", choices=["listed", "any"], default="listed")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
