"""Render servers that write to one folder, where a file may be seen late."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Processes, Serving, Simulating, until_ended
from tests.story.pictures import assert_exactly
from tests.waiting import until
from tests.wire import Wire, wire_to

ORDER = {"user": "ann", "character": "mira", "prompt": "on a beach", "quantity": 1}
# A busy machine takes long to start the next server: that is not what these are about.
PATIENT = "[rendering]\nlost_after = 120\n"
SHARED = f"[pools.default]\nshared_output = true\n{PATIENT}"


def backends(serving: Serving) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in serving.get("/v1/backends")["data"]}


def outcomes(serving: Serving, batch: dict[str, Any]) -> list[str]:
    [image] = batch["images"]
    return [each["outcome"] for each in serving.get(f"/v1/images/{image['id']}")["attempts"]]


async def ended_out_of_sight(wire: Wire, simulating: Simulating, processes: Processes) -> Path:
    """While nobody sees it a picture is finished, its server forgets it, and its file is out of
    sight; where that lies."""
    await asyncio.to_thread(until, simulating.renderings)
    await wire.cut("stall")
    await asyncio.to_thread(until, lambda: simulating.renderings()[0]["outcome"] == "success")
    await asyncio.to_thread(simulating.process.kill)
    output = processes.home / "output"
    shutil.move(output / "safelight", processes.home / "late")
    port = int(simulating.url.rsplit(":", 1)[1])
    await asyncio.to_thread(processes.simulate, "--output", str(output), port=port)
    await wire.mend()
    return output


# What becomes of the attempt whose file nobody sees: whether it was seen to run decides the word.
GONE = ("lost", "died")


@pytest.mark.parametrize("config", [SHARED, PATIENT])
async def test_a_file_that_is_seen_late_is_taken_where_the_pool_says_so(
    processes: Processes, config: str
) -> None:
    """A server has forgotten a finished picture, and its file shows only at a later look: in a pool
    with a shared folder it is taken, in others the picture is drawn anew after the first look."""
    simulating = processes.simulate("--output", str(processes.home / "output"), seconds=1)
    async with wire_to(simulating.url) as wire:
        serving = await asyncio.to_thread(processes.serve, [wire.url], config=config)
        id = (await asyncio.to_thread(serving.post, "/v1/batches", ORDER))["id"]
        output = await ended_out_of_sight(wire, simulating, processes)
        if config == SHARED:
            ready = lambda: backends(serving)["b1"]["state"] == "ready"  # noqa: E731
            await asyncio.to_thread(until, ready)
            shutil.move(processes.home / "late", output / "safelight")
        batch = await asyncio.to_thread(until_ended, serving, id)
        assert_exactly(batch, 1)
        *before, last = await asyncio.to_thread(outcomes, serving, batch)
        assert last == "stored"
        assert before == [] if config == SHARED else before in [[one] for one in GONE]


async def test_a_file_that_never_shows_is_drawn_anew_after_the_second_look(
    processes: Processes,
) -> None:
    """In a pool with a shared folder, too, what is really gone is found out and drawn again."""
    simulating = processes.simulate("--output", str(processes.home / "output"), seconds=1)
    async with wire_to(simulating.url) as wire:
        serving = await asyncio.to_thread(processes.serve, [wire.url], config=SHARED)
        id = (await asyncio.to_thread(serving.post, "/v1/batches", ORDER))["id"]
        await ended_out_of_sight(wire, simulating, processes)
        batch = await asyncio.to_thread(until_ended, serving, id)
        assert_exactly(batch, 1)
        first, second = await asyncio.to_thread(outcomes, serving, batch)
        assert first in GONE
        assert second == "stored"


def test_who_writes_to_one_folder_is_told(processes: Processes) -> None:
    """Of three servers two write to one folder: their entries and the doctor name each other, the
    third stands alone, and no prompt was sent to find that out."""
    shared = str(processes.home / "one" / "output")
    simulators = [processes.simulate("--output", shared) for _ in range(2)]
    simulators.append(processes.simulate("--output", str(processes.home / "two" / "output")))
    serving = processes.serve([simulating.url for simulating in simulators])
    until(lambda: all(each["state"] == "ready" for each in backends(serving).values()))
    assert_exactly(serving.order(12), 12)
    until(lambda: backends(serving)["b1"]["shares_output_with"] == ["b2"])
    told = {name: each["shares_output_with"] for name, each in backends(serving).items()}
    assert told == {"b1": ["b2"], "b2": ["b1"], "b3": []}
    assert sum(len(simulating.renderings()) for simulating in simulators) == 12
    doctor = processes.start("doctor")
    assert doctor.popen.wait(60) == 0
    doctor.end_of_lines()
    [line] = [line for line in doctor.lines if "output b1" in line]
    assert "writes to one folder with b2" in line
