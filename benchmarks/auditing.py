"""What `safelight audit` holds while it compares very many pictures with their rows."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from benchmarks.stage import Stage
from benchmarks.timing import spread
from benchmarks.verdict import Verdict, at_most
from benchmarks.watching import high_water_mb
from tests.pipeline.many_images import FILLED, KEYS, link_all

EACH = 1000  # images of a user


def audit(stage: Stage, quick: bool) -> list[Verdict]:
    """An audit of many pictures against one of none: what it holds more."""
    images = 10_000 if quick else 100_000
    stage.configure([])
    assert stage.start("migrate").popen.wait(60) == 0
    idle, _ = _audited(stage)

    async def fill(connection: Any) -> list[str]:
        await connection.execute("set statement_timeout = 0")
        await connection.execute(FILLED.replace("$1", str(images // EACH)).replace("$2", str(EACH)))
        return [row["key"] for row in await connection.fetch(KEYS)]

    link_all(stage.home / "state" / "store", stage.with_database(fill))
    most, seconds = _audited(stage)
    return [
        Verdict(
            "audit-memory",
            f"memory of an audit of {images} pictures above that of one of none",
            *spread([most - idle]),
            "MB",
            f"{most:.0f} MB",
            f"{idle:.0f} MB (none)",
            at_most(30),
            {"images": images, "seconds": seconds},
        )
    ]


def _audited(stage: Stage) -> tuple[float, float]:
    """The most that an audit held, in MB, and its seconds."""
    began, most = time.monotonic(), 0.0
    process = stage.start("audit")
    while process.popen.poll() is None:
        with suppress(AssertionError, OSError):  # it has just ended
            most = max(most, high_water_mb(process.popen.pid))
        time.sleep(0.05)
    assert process.popen.returncode == 0, process.lines
    return most, time.monotonic() - began
