"""kill -9 while copies are taken away: all that was asked for goes, and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
import time
from pathlib import Path

from safelight.database.connection import open_database
from safelight.database.removals import ask_removal
from tests.pipeline.many_images import FILLED, KEYS, picture, put
from tests.processes import Process, Processes
from tests.story.test_restore import query
from tests.waiting import until

ROOT = Path(__file__).parents[2]
LEFT = (
    "select count(*) from publications where removed_at is null and remove_asked_at is not null"
    " and remove_due_at is not null"
)


async def ask(url: str, images: list[str]) -> None:
    database = await open_database({"dsn": url})
    async with database.transaction() as c:
        await ask_removal(c, images)
    await database.close()


def test_kill_9_while_copies_are_taken_away(processes: Processes) -> None:
    """Forty of sixty copies are to go, one of them has become another picture. The worker is
    killed five times in the middle: every copy goes in the end, the twenty others and the stranger
    are untouched, and the stranger is told."""
    url, cdn = processes.database_url, processes.home / "cdn"
    query(url, FILLED.replace("$1", "1").replace("$2", "60"))
    keys = [key for (key,) in query(url, KEYS)]
    for key in keys:
        put(cdn, key, picture(key))
        query(
            url,
            "insert into publications (image_id, publisher, status, place, md5)"
            " select id, 'cdn', 'uploaded', key, $2 from images where key = $1",
            key,
            hashlib.md5(picture(key)).hexdigest(),
        )
    stranger = keys[7]
    put(cdn, stranger, b"another picture")
    wanted = "select id from images where index <= 40"
    asyncio.run(ask(url, [str(id) for (id,) in query(url, wanted)]))
    dice = random.Random(1)
    for _ in range(5):
        worker = started(processes, cdn)
        time.sleep(dice.uniform(0.05, 0.3))
        worker.kill()
        # What it had in hand is free at once, not only when its claims have run out.
        query(url, "update publications set claimed_until = now() where claimed_until is not null")
        query(
            url,
            "update publications set remove_due_at = now() - interval '1 minute'"
            " where remove_due_at is not null",
        )
    assert query(url, LEFT)[0][0] > 0
    started(processes, cdn)
    until(lambda: query(url, LEFT) == [(0,)], 60)
    there = {key for key in keys if (cdn / key).exists()}
    assert there == {*keys[40:], stranger}
    assert (cdn / stranger).read_bytes() == b"another picture"
    told = query(url, "select remove_reason from publications where remove_reason is not null")
    assert told == [("another picture lies there",)]


def started(processes: Processes, cdn: Path) -> Process:
    command = [sys.executable, "-m", "tests.chaos.taking_away", processes.database_url, str(cdn)]
    worker = processes.spawn(command, cwd=ROOT)
    worker.line_with("working")
    return worker
