"""`python -m tests.chaos.taking_away DSN FOLDER`: a worker that only takes copies away, slowly."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from uuid import uuid4

from safelight.database.bell import Bell
from safelight.database.connection import open_database
from safelight.pipeline.unpublishing import Removals
from safelight.publishers.base import Removal
from safelight.worker.errands import Errands
from tests.pipeline.folder_publisher import FolderPublisher


class SlowPublisher(FolderPublisher):
    """Takes a moment before and after, so that a kill can come between."""

    async def remove(self, place: str, md5: str) -> Removal:
        await asyncio.sleep(0.03)
        done = await super().remove(place, md5)
        await asyncio.sleep(0.03)
        return done


async def main(dsn: str, folder: str) -> None:
    """Until it is killed."""
    database = await open_database({"dsn": dsn})
    runner = Removals(database, SlowPublisher("cdn", Path(folder)))
    print("working", flush=True)
    await Errands(database, Bell(database, "removals"), runner, uuid4()).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
