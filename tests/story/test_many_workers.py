"""Several workers on one database: each backend is driven by one at a time, whatever befalls it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from typing import Any

import asyncpg

from tests.held import HeldWire
from tests.processes import Process, Processes, Serving, Simulating, until_ended
from tests.story.canceling import at_the_backend
from tests.story.pictures import assert_exactly, served
from tests.waiting import until

ORDER = {"user": "ann", "character": "mira", "prompt": "storm"}
SLOTS = 8  # with four backends: 32 in flight


def rows(processes: Processes, statement: str) -> list[dict[str, Any]]:
    """What the database says, asked beside all code of ours."""

    async def ask() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(processes.database_url)
        try:
            return [dict(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def epochs(processes: Processes) -> dict[str, int]:
    return {r["name"]: r["epoch"] for r in rows(processes, "select name, epoch from backends")}


def stored(serving: Serving, id: str) -> int:
    return int(serving.get(f"/v1/batches/{id}")["counts"]["stored"])


def open_attempts(processes: Processes) -> int:
    return len(rows(processes, "select from attempts where closed_at is null"))


def start_all(
    processes: Processes, urls: Sequence[str], *, slots: int = 2
) -> tuple[Serving, Process, Process]:
    """`serve --no-worker`, a worker that drives all backends, and one in reserve."""
    config = "".join(
        f'[[backends]]\nname = "b{n}"\nurl = "{url}"\nslots = {slots}\n'
        for n, url in enumerate(urls, 1)
    )
    serving = processes.serve([], "--no-worker", config=config)
    first = processes.start("work")
    until(lambda: first.lines_with("lease gained") == len(urls))
    second = processes.start("work")
    second.line_with("Safelight works for")
    return serving, first, second


def renderings(simulators: Sequence[Simulating]) -> list[dict[str, Any]]:
    return [each for simulating in simulators for each in simulating.renderings()]


def assert_painted_once(
    processes: Processes, simulators: Sequence[Simulating], quantity: int
) -> None:
    """As many renderings as images, each by an attempt of its own; one that was never sent, because
    the machine was busy or its worker was stopped just then, is none."""
    attempts = rows(processes, "select prompt_id::text, outcome, image_id from attempts")
    sent = [each for each in attempts if each["outcome"] == "stored"]
    assert len({each["image_id"] for each in sent}) == len(sent) == quantity
    assert {each["outcome"] for each in attempts} <= {"stored", "unsent", "lost"}
    done = renderings(simulators)
    assert sorted(each["prompt_id"] for each in done) == sorted(each["prompt_id"] for each in sent)
    assert {each["outcome"] for each in done} == {"success"}


def test_two_workers_never_drive_one_backend_together(processes: Processes) -> None:
    """Two workers start together on four backends: every backend gets one driver, who keeps it;
    a batch of 24 is painted once each, never more prompts at a backend than it has slots."""
    simulators = [processes.simulate(seconds=0.3) for _ in range(4)]
    processes.configure([each.url for each in simulators])
    workers = [processes.start("work"), processes.start("work")]
    serving = processes.serve([each.url for each in simulators], "--no-worker")
    until(lambda: sum(worker.lines_with("lease gained") for worker in workers) == 4)
    id = serving.post("/v1/batches", {**ORDER, "quantity": 24})["id"]
    crowded = "select from attempts where closed_at is null group by backend having count(*) > 4"
    while stored(serving, id) < 24:
        assert rows(processes, crowded) == []
    assert_exactly(until_ended(serving, id), 24)
    assert_painted_once(processes, simulators, 24)
    assert set(epochs(processes).values()) == {1}
    assert {r["epoch"] for r in rows(processes, "select distinct epoch from attempts")} == {1}
    assert sum(worker.lines_with("lease gained") for worker in workers) == 4


def test_kill_9_of_a_worker_with_32_images_in_flight(processes: Processes) -> None:
    """One of two workers is killed with 32 prompts at its backends: the other drives them within
    15 seconds, adopts every prompt, and each of the 40 images is painted once and stored."""
    simulators = [processes.simulate(seconds=3) for _ in range(4)]
    serving, first, second = start_all(processes, [each.url for each in simulators], slots=SLOTS)
    id = serving.post("/v1/batches", {**ORDER, "quantity": 40})["id"]
    until(lambda: open_attempts(processes) >= 4 * SLOTS, 60)
    before = stored(serving, id)
    first.kill()
    driven = until(lambda: set(epochs(processes).values()) == {2}, 15)
    print(f"driven by the other after {driven:.2f} s")
    until(lambda: stored(serving, id) > before, 15)
    batch = until_ended(serving, id, 150)
    assert_exactly(batch, 40)
    assert len(set(served(serving, batch).values())) == 40
    assert_painted_once(processes, simulators, 40)
    adopted = [line for line in second.lines if "lease gained" in line]
    assert len(adopted) == 4


def test_a_worker_that_is_stopped_hands_over_at_once(processes: Processes) -> None:
    """SIGTERM: the worker exits within five seconds, with prompts at every backend; the other one
    has its leases before they would have ended, and no picture is painted twice."""
    simulators = [processes.simulate(seconds=0.5) for _ in range(4)]
    serving, first, _ = start_all(processes, [each.url for each in simulators])
    id = serving.post("/v1/batches", {**ORDER, "quantity": 24})["id"]
    until(lambda: stored(serving, id) >= 4)
    assert first.stop(seconds=5) == 0
    until(lambda: set(epochs(processes).values()) == {2}, 6)
    assert_exactly(until_ended(serving, id), 24)
    assert_painted_once(processes, simulators, 24)


def test_a_frozen_worker_changes_nothing_when_it_wakes(processes: Processes) -> None:
    """A worker is frozen for longer than its lease, with prompts at its backends: the other takes
    over within 20 seconds and stores every picture, painted once. The sleeper wakes up and changes
    nothing: no attempt, no image, no lease."""
    simulators = [processes.simulate(seconds=3) for _ in range(4)]
    serving, first, _ = start_all(processes, [each.url for each in simulators], slots=SLOTS)
    id = serving.post("/v1/batches", {**ORDER, "quantity": 40})["id"]
    until(lambda: open_attempts(processes) >= 4 * SLOTS, 60)
    first.popen.send_signal(signal.SIGSTOP)
    try:
        driven = until(lambda: set(epochs(processes).values()) == {2}, 20)
        print(f"driven by the other after {driven:.2f} s")
        until(lambda: stored(serving, id) >= 20, 60)
    finally:
        first.popen.send_signal(signal.SIGCONT)
    until(lambda: first.lines_with("lease lost") == 4)
    batch = until_ended(serving, id, 150)
    assert_exactly(batch, 40)
    assert len(set(served(serving, batch).values())) == 40
    assert_painted_once(processes, simulators, 40)
    assert set(epochs(processes).values()) == {2}
    assert first.lines_with("attempt ended") == 0


def test_a_post_that_arrives_after_its_worker_lost_the_lease_is_a_ghost(
    processes: Processes,
) -> None:
    """A worker is frozen with a POST under way that a slow network keeps back: the other worker
    waits until it may count as lost and draws the image with a new attempt. Then the old POST
    arrives: its prompt is cancelled and never stored, and the old worker, awake again, adds
    nothing."""
    # Long enough that a probe, every five seconds, finds the old prompts before they are drawn, on
    # a busy machine and though one is begun as soon as it arrives.
    simulating = processes.simulate(seconds=14)
    wire = HeldWire(simulating.url)
    try:
        serving, first, second = start_all(processes, [wire.url])
        wire.hold()
        id = serving.post("/v1/batches", {**ORDER, "quantity": 2})["id"]
        until(lambda: wire.held >= 2)
        first.popen.send_signal(signal.SIGSTOP)
        arrive = wire.let_pass()
        # Both: what is old and waits before what is new would be drawn for it.
        until(lambda: sum(map(len, at_the_backend(simulating))) >= 2, 60)
        arrive.set()
        assert_exactly(until_ended(serving, id), 2)
        until(lambda: second.lines_with("ghost cancelled") >= 1)
        first.popen.send_signal(signal.SIGCONT)
        until(lambda: first.lines_with("lease lost") == 1)
    finally:
        first.popen.send_signal(signal.SIGCONT)
        wire.close()
    assert_exactly(until_ended(serving, id), 2)
    # On a busy machine some could not be sent in time: those never were anywhere.
    sent = "select prompt_id::text, epoch, outcome from attempts where outcome <> 'unsent'"
    attempts = rows(processes, sent)
    by_outcome = {each["prompt_id"]: each["outcome"] for each in attempts}
    assert sorted(by_outcome.values()) in (
        ["lost", "lost", "stored", "stored"],
        ["lost", "stored", "stored"],
    )
    assert {each["epoch"] for each in attempts} == {2}
    done = [each["prompt_id"] for each in renderings([simulating]) if each["outcome"] == "success"]
    assert sorted(done) == sorted(id for id, how in by_outcome.items() if how == "stored")


def test_prompts_of_a_machine_that_is_gone_are_drawn_elsewhere(processes: Processes) -> None:
    """A worker dies with prompts at a backend on its own loopback, which nobody else can reach:
    after `rendering.lost_after` its images are drawn by another machine's backend."""
    gone, here = processes.simulate("--fault", "zombie:1"), processes.simulate(seconds=0.2)
    patience = "[rendering]\nlost_after = 2\n"
    serving = processes.serve([], "--no-worker", config=patience)
    workers = []
    for name, simulating in (("pod-1", gone), ("pod-2", here)):
        config = processes.home / f"{name}.toml"
        url = simulating.url
        config.write_text(f'[[backends]]\nname = "{name}"\nurl = "{url}"\n{patience}')
        machine = {"SAFELIGHT_MACHINE": name}
        workers.append(processes.start("work", "--config", str(config), environ=machine))
        workers[-1].line_with("lease gained")
    id = serving.post("/v1/batches", {**ORDER, "quantity": 12})["id"]
    until(lambda: len(gone.renderings()) == 1)
    workers[0].kill()
    batch = until_ended(serving, id)
    assert_exactly(batch, 12)
    drawn = {serving.get(f"/v1/images/{image['id']}")["backend"] for image in batch["images"]}
    assert drawn == {"pod-2"}
    lost = rows(processes, "select detail from attempts where outcome = 'lost'")
    assert {each["detail"] for each in lost} == {"nobody drives pod-1 any more"}
