"""Order pictures and put them on one sheet, each with its index and seed.

    python contact_sheet.py ann mira --quantity 4 --prompt "at the sea" --out sheet.png

Needs a running `safelight serve`. SAFELIGHT_URL says where, SAFELIGHT_KEY has the API key if it
wants one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from safelight import Batch, BatchFailed, Client
from safelight.pictures import contact_sheet


def main() -> int:
    """Order, follow, draw the sheet; 1 if not all pictures came."""
    wanted = arguments()
    batch = Client().order(
        wanted.character, user=wanted.user, prompt=wanted.prompt, quantity=wanted.quantity
    )
    for event in batch.watch():
        if event.type.startswith("image."):
            print(event.index, event.type, file=sys.stderr)
    try:
        batch = batch.wait()
    except BatchFailed as failed:
        print(failed, file=sys.stderr)
        batch = failed.batch
    if pictures := pictures_of(batch):
        wanted.out.write_bytes(contact_sheet(pictures))
        print(wanted.out)
    return 0 if batch.status == "completed" else 1


def pictures_of(batch: Batch) -> list[tuple[bytes, str, str]]:
    """What is stored: bytes, index and name, seed."""
    return [
        (image.read(), f"{image.index:05d}  {image.name}", f"seed {image.seed}")
        for image in batch.images
        if image.ready
    ]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("user")
    parser.add_argument("character")
    parser.add_argument("--quantity", type=int, default=4)
    parser.add_argument("--prompt", default="")
    parser.add_argument("--out", type=Path, default=Path("contact-sheet.png"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
