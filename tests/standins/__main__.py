"""A stand-in as a process: `python -m tests.standins cloudinary --port 0` prints `ready URL`."""

from __future__ import annotations

import argparse
import signal
import threading

from tests.standins import Bunny, Cloudinary

KINDS = {"cloudinary": Cloudinary, "bunny": Bunny}


def main() -> None:
    """Until it is told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--port", type=int, default=0)
    said = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with KINDS[said.kind](said.port) as standin:
        print(f"ready {standin.url}", flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
