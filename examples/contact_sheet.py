"""Order pictures and put them on one sheet, each with its index and seed.

    python contact_sheet.py ann mira --quantity 4 --prompt "at the sea" --out sheet.png

Needs a running `safelight serve`; SAFELIGHT_URL says where.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from safelight.client import AsyncClient, Batch
from safelight.pictures import contact_sheet


async def main() -> int:
    """Order, follow, download, draw the sheet; 1 if not all pictures came."""
    wanted = arguments()
    async with AsyncClient(os.environ.get("SAFELIGHT_URL", "http://127.0.0.1:8080")) as client:
        batch = await client.create(
            wanted.character, user=wanted.user, prompt=wanted.prompt, quantity=wanted.quantity
        )
        async for event in client.watch(batch.id):
            if event.type.startswith("image."):
                print(event.data["index"], event.type, file=sys.stderr)
        batch = await client.batch(batch.id)
        pictures = await download(client, batch)
    if pictures:
        wanted.out.write_bytes(contact_sheet(pictures))
        print(wanted.out)
    return 0 if batch.status == "completed" else 1


async def download(client: AsyncClient, batch: Batch) -> list[tuple[bytes, str, str]]:
    """What is stored: bytes, index and name, seed."""
    pictures = []
    with tempfile.TemporaryDirectory() as folder:
        for image in batch.images:
            if image.status == "stored":
                path = Path(folder) / image.name
                await client.download(image.id, path)
                title = f"{image.index:05d}  {image.name}"
                pictures.append((path.read_bytes(), title, f"seed {image.seed}"))
    return pictures


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
    sys.exit(asyncio.run(main()))
