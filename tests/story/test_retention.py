"""What is deleted by request or by age, as the application and the command line see it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from safelight.client import AsyncClient, ProblemError
from tests.processes import Processes
from tests.story.test_erase import status_of
from tests.story.test_restore import files, query
from tests.waiting import until


def test_originals_are_deleted_by_age(processes: Processes) -> None:
    """With `originals_days = 2` a picture of three days ago goes, file and all; a younger one of
    the same batch stays, and the batch is completed as before."""
    simulating = processes.simulate(seconds=0)
    serving = processes.serve([simulating.url])
    batch = serving.order(2)
    young, old = (image["id"] for image in batch["images"])
    assert serving.process.stop() == 0
    query(
        processes.database_url,
        "update images set finished_at = now() - interval '3 days' where id = $1",
        old,
    )
    serving = processes.serve([simulating.url], config="[retention]\noriginals_days = 2\n")
    until(lambda: status_of(serving, f"/v1/images/{old}/file") == (410, "gone"))
    until(lambda: len(files(processes)) == 1)
    assert status_of(serving, f"/v1/images/{young}/file")[0] == 200
    assert serving.get(f"/v1/batches/{batch['id']}")["status"] == "completed"


def test_a_client_deletes_and_the_command_line_shows_it(processes: Processes) -> None:
    """The pictures that are left can still be fetched, and what is gone is called deleted."""
    serving = processes.serve([processes.simulate(seconds=0).url])
    batch = serving.order(2)
    kept, gone = batch["images"]

    async def delete() -> Any:
        async with AsyncClient(serving.url) as client:
            first = await client.delete_image(gone["id"])
            again = await client.delete_image(gone["id"], publications=True)
            with pytest.raises(ProblemError) as refused:
                await client.delete_image("nobody")
            assert refused.value.status == 404
            return first, again, await client.batch(batch["id"])

    first, again, now = asyncio.run(delete())
    assert first == again
    assert [image.deleted_at is None for image in now.images] == [True, False]
    url = {"SAFELIGHT_URL": serving.url}
    process = processes.start("batches", "show", batch["id"], "--out", "here", environ=url)
    assert process.popen.wait(60) == 0, process.lines
    process.end_of_lines()
    [line] = [line for line in process.lines if gone["name"] in line]
    assert line.endswith("deleted")
    assert [path.name for path in (processes.home / "here").iterdir()] == [kept["name"]]
