"""Events that are kept no longer are not missed in silence."""

from __future__ import annotations

import asyncpg

from safelight.database.connection import Database
from safelight.database.pruning import Retention, prune
from tests.processes import Processes
from tests.story.streams import told, types

AGED = (
    "update batches set ended_at = ended_at - interval '40 days' where id = $1",
    "update events set at = at - interval '40 days' where batch_id = $1",
)


async def test_who_comes_back_after_the_retention_is_told_so(
    processes: Processes, database: Database
) -> None:
    """The events of a batch that ended long ago are gone, all at once: a listener that missed
    some of them gets one `reset` with the batch as it is, one that had heard all gets nothing,
    and batches that ended since are told as ever, on both streams."""
    serving = processes.serve([processes.simulate().url])
    old, young = serving.order(2), serving.order(2)
    path = f"/v1/batches/{old['id']}/events"
    whole = told(serving, path)
    positions = told(serving, "/v1/events", "0-0", most=1)
    everything = f"{positions[0][0].partition('-')[0]}-0-0"
    position = told(serving, "/v1/events", everything, most=len(whole) + 2)
    connection = await asyncpg.connect(processes.database_url)
    for statement in AGED:
        await connection.execute(statement, old["id"])
    await connection.close()
    await prune(database, Retention())

    for seen in ("0", "1", whole[-2][0]):
        [(id, reset)] = told(serving, path, seen)
        assert (id, reset["type"]) == (whole[-1][0], "reset")
        assert reset["data"]["reason"] == "pruned"
        assert reset["data"]["status"] == "completed"
        assert [image["status"] for image in reset["data"]["images"]] == ["stored"] * 2
    assert types(told(serving, path)) == ["reset"]
    assert told(serving, path, whole[-1][0]) == []
    assert types(told(serving, f"/v1/batches/{young['id']}/events"))[0] == "batch.created"
    [(_, lost)] = told(serving, "/v1/events", position[0][0], most=1)
    assert (lost["type"], lost["data"]) == ("reset", {"reason": "pruned"})
    [(_, next)] = told(serving, "/v1/events", position[len(whole)][0], most=1)
    assert next["batch"] == young["id"]
    assert next["type"] != "reset"


async def test_events_are_pruned_by_whole_batches(processes: Processes, database: Database) -> None:
    """Old events of a batch that ended only now stay: its history is told from the beginning."""
    serving = processes.serve([processes.simulate().url])
    batch = serving.order(2)
    connection = await asyncpg.connect(processes.database_url)
    await connection.execute(AGED[1], batch["id"])
    await connection.close()
    await prune(database, Retention())
    assert types(told(serving, f"/v1/batches/{batch['id']}/events"))[0] == "batch.created"


async def test_an_id_nobody_was_ever_given_is_no_gap_either(processes: Processes) -> None:
    """An invented id, far above all there are, gets the batch as it is, and not silence."""
    serving = processes.serve([processes.simulate().url])
    batch = serving.order(1)
    [(id, reset)] = told(serving, f"/v1/batches/{batch['id']}/events", "2000000000")
    assert (int(id), reset["type"]) == (batch["last_event"], "reset")
