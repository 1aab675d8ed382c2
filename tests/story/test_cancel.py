"""Cancel: what waits is never rendered, what runs is taken back, what is whole is kept."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.processes import Processes, Simulating, until_ended
from tests.story.canceling import (
    asked,
    assert_counted,
    assert_one_outcome,
    at_the_backend,
    events_of,
    image_of,
    of_prompt,
    ordered,
    outcome_of,
    running,
    stranger,
    until,
    until_idle,
    until_image,
)

LONG = 60.0  # s; what takes that long ends only when it is interrupted


def sent(simulating: Simulating, waiting: int = 1) -> tuple[str, list[str]]:
    """When one prompt runs and so many wait behind it: their ids."""
    until(lambda: running(simulating) and len(at_the_backend(simulating)[1]) >= waiting)
    first, rest = at_the_backend(simulating)
    return first[0], rest


def test_a_queued_image_is_canceled_at_once_and_never_rendered(processes: Processes) -> None:
    """The answer already says canceled; the others of the batch are drawn, and a stranger's prompt
    in the same ComfyUI, too."""
    simulating = processes.simulate(seconds=0.4)
    serving = processes.serve([simulating.url])
    batch = ordered(serving, 4)
    sent(simulating)
    other = stranger(simulating)
    last = batch["images"][0]["id"]  # the highest index is the last in line
    status, image = asked(serving, f"/v1/images/{last}/cancel")
    assert (status, image["status"], image["attempts"]) == (200, "canceled", [])
    ended = until_ended(serving, batch["id"])
    assert ended["status"] == "partial"
    assert ended["counts"] == {"stored": 3, "failed": 0, "canceled": 1}
    assert outcome_of(simulating, other) == "success"
    assert [r["outcome"] for r in simulating.renderings()] == ["success"] * 4


def test_an_image_in_the_queue_of_the_backend_is_deleted_there(processes: Processes) -> None:
    """The second slot's prompt waits at the backend when it is canceled: it is never rendered, and
    what is before and behind it is."""
    simulating = processes.simulate(seconds=1.5)
    serving = processes.serve([simulating.url])
    batch = ordered(serving, 2)
    first, (second,) = sent(simulating)
    other = stranger(simulating)
    id = of_prompt(serving, batch, second)
    status, image = asked(serving, f"/v1/images/{id}/cancel")
    assert (status, image["status"]) in ((200, "dispatched"), (200, "canceled"))
    image = until_image(serving, id, "canceled")
    assert [attempt["outcome"] for attempt in image["attempts"]] == ["canceled"]
    assert at_the_backend(simulating)[1] in ([other], [])
    assert until_ended(serving, batch["id"])["status"] == "partial"
    assert outcome_of(simulating, other) == "success"
    assert {r["prompt_id"]: r["outcome"] for r in simulating.renderings()} == {
        first: "success",
        other: "success",
    }


def test_an_image_that_is_rendered_is_interrupted(processes: Processes) -> None:
    """The running prompt is interrupted by its id, its attempt ends as canceled and not as a
    misfortune, its slot is free again, and nobody else is disturbed."""
    simulating = processes.simulate(seconds=2)
    serving = processes.serve([simulating.url])
    batch = ordered(serving, 3)
    first, _ = sent(simulating)
    other = stranger(simulating)
    id = of_prompt(serving, batch, first)
    assert asked(serving, f"/v1/images/{id}/cancel")[0] == 200
    image = until_image(serving, id, "canceled")
    assert [attempt["outcome"] for attempt in image["attempts"]] == ["canceled"]
    assert image["attempts"][0]["finished_at"]
    assert outcome_of(simulating, first) == "interrupted"
    assert until_ended(serving, batch["id"])["counts"]["stored"] == 2
    assert outcome_of(simulating, other) == "success"
    outcomes = [r["outcome"] for r in simulating.renderings()]
    assert sorted(outcomes) == ["interrupted", "success", "success", "success"]


def test_a_stranger_who_is_rendered_is_not_interrupted(processes: Processes) -> None:
    """Somebody else's prompt runs, both of ours wait behind it and are canceled: the stranger's is
    finished, and ours are never rendered."""
    simulating = processes.simulate(seconds=3)
    serving = processes.serve([simulating.url])
    other = stranger(simulating)
    until(lambda: running(simulating) == other)
    batch = ordered(serving, 3)
    until(lambda: len(at_the_backend(simulating)[1]) == 2)
    status, answered = asked(serving, f"/v1/batches/{batch['id']}/cancel")
    assert status == 200
    assert answered["images"][0]["status"] == "canceled"
    ended = until_ended(serving, batch["id"])
    assert ended["status"] == "canceled"
    assert_counted(ended)
    assert outcome_of(simulating, other) == "success"
    assert [r["prompt_id"] for r in simulating.renderings()] == [other]


def test_a_stored_image_stays_stored(processes: Processes) -> None:
    """Cancel of a stored image is refused by name; cancel of its batch leaves it where it is."""
    simulating = processes.simulate(seconds=0.5)
    serving = processes.serve([simulating.url])
    batch = ordered(serving, 6)
    other = stranger(simulating)
    id = batch["images"][-1]["id"]
    before = until_image(serving, id, "stored")
    status, problem = asked(serving, f"/v1/images/{id}/cancel")
    assert (status, problem["code"]) == (409, "already-stored")
    assert asked(serving, f"/v1/batches/{batch['id']}/cancel")[0] == 200
    ended = until_ended(serving, batch["id"])
    assert ended["status"] == "partial"
    assert_counted(ended)
    assert image_of(serving, id) == before
    assert serving.read(before["url"]).endswith(b"IEND\xaeB`\x82")
    assert outcome_of(simulating, other) == "success"


def test_canceling_twice_is_as_good_as_once(processes: Processes) -> None:
    """While the first cancel is carried out and after it: 200, and each end is told once."""
    simulating = processes.simulate(seconds=LONG)
    serving = processes.serve([simulating.url])
    batch = ordered(serving, 4)
    sent(simulating)
    path = f"/v1/batches/{batch['id']}/cancel"
    assert [asked(serving, path)[0] for _ in range(3)] == [200] * 3
    ended = until_ended(serving, batch["id"])
    assert ended["status"] == "canceled"
    assert asked(serving, path) == (200, ended)
    for image in ended["images"]:
        assert asked(serving, f"/v1/images/{image['id']}/cancel")[1]["status"] == "canceled"
    assert serving.get(f"/v1/batches/{batch['id']}") == ended
    told = [event["type"] for event in events_of(serving, batch["id"])]
    assert told.count("image.canceled") == 4
    assert told[-1] == "batch.canceled"
    assert told.count("batch.canceled") == 1
    assert serving.order(1, wait=0)["status"] in ("queued", "running")  # the slots are free
    sent(simulating, waiting=0)


def test_kill_9_right_after_the_answer_does_not_lose_the_wish(processes: Processes) -> None:
    """serve is killed the moment the cancel is answered: its successor carries it out."""
    simulating = processes.simulate(seconds=LONG)
    first = processes.serve([simulating.url])
    batch = ordered(first, 4)
    _, (waiting,) = sent(simulating)
    other = stranger(simulating)
    assert asked(first, f"/v1/batches/{batch['id']}/cancel")[0] == 200
    first.process.kill()
    second = processes.serve([simulating.url])
    ended = until_ended(second, batch["id"])
    assert ended["status"] == "canceled"
    assert_counted(ended)
    until(lambda: running(simulating) == other)
    renderings = simulating.renderings()
    assert [r["outcome"] for r in renderings] == ["interrupted", None]
    assert waiting not in {r["prompt_id"] for r in renderings}


def test_another_worker_carries_out_what_a_frozen_one_did_not(processes: Processes) -> None:
    """The worker is stopped before the cancel and killed after it, so it never heard of it; the
    worker that follows takes the prompts back."""
    simulating = processes.simulate(seconds=LONG)
    processes.configure([simulating.url])
    worker = processes.start("work")
    serving = processes.serve([simulating.url], "--no-worker")
    batch = ordered(serving, 3)
    sent(simulating)
    worker.popen.send_signal(signal.SIGSTOP)
    status, answered = asked(serving, f"/v1/batches/{batch['id']}/cancel")
    assert status == 200
    states = [image["status"] for image in answered["images"]]
    assert states == ["canceled", "dispatched", "dispatched"]
    worker.kill()
    processes.start("work")
    ended = until_ended(serving, batch["id"])
    assert ended["status"] == "canceled"
    assert [r["outcome"] for r in simulating.renderings()] == ["interrupted"]
    until_idle(simulating)


def test_a_frozen_backend_lets_go_when_it_wakes(processes: Processes) -> None:
    """While the backend cannot be asked, the image stays dispatched and keeps its slot; when the
    backend answers again, the image is canceled there and then here."""
    simulating = processes.simulate(seconds=LONG)
    serving = processes.serve([simulating.url])
    batch = ordered(serving, 2)
    first, (second,) = sent(simulating)
    simulating.process.popen.send_signal(signal.SIGSTOP)
    try:
        asked(serving, f"/v1/batches/{batch['id']}/cancel")
        end = time.monotonic() + 3
        while time.monotonic() < end:
            now = serving.get(f"/v1/batches/{batch['id']}")
            assert {image["status"] for image in now["images"]} == {"dispatched"}
    finally:
        simulating.process.popen.send_signal(signal.SIGCONT)
    ended = until_ended(serving, batch["id"])
    assert ended["status"] == "canceled"
    assert outcome_of(simulating, first) == "interrupted"
    # Each is asked back by itself: the second may begin before it is its turn to be asked.
    found = {r["prompt_id"]: r["outcome"] for r in simulating.renderings()}
    assert found.get(second, "interrupted") == "interrupted"


def test_a_backend_that_stays_away_cannot_keep_a_canceled_image(processes: Processes) -> None:
    """The backend is silent for longer than `lost_after`: the image is canceled and not drawn
    again, and when the backend is back, what it still holds of ours is taken back."""
    simulating = processes.simulate(seconds=LONG)
    serving = processes.serve([simulating.url], config="[rendering]\nlost_after = 2\n")
    batch = ordered(serving, 2)
    first, (second,) = sent(simulating)
    simulating.process.popen.send_signal(signal.SIGSTOP)
    try:
        assert asked(serving, f"/v1/batches/{batch['id']}/cancel")[0] == 200
        ended = until_ended(serving, batch["id"])
    finally:
        simulating.process.popen.send_signal(signal.SIGCONT)
    assert ended["status"] == "canceled"
    for image in ended["images"]:
        [attempt] = image_of(serving, image["id"])["attempts"]
        assert attempt["outcome"] == "lost"
    assert outcome_of(simulating, first) == "interrupted"
    until_idle(simulating)
    assert second not in {r["prompt_id"] for r in simulating.renderings()}


def test_a_prompt_of_which_nobody_knows_whether_it_arrived_is_not_left_behind(
    processes: Processes,
) -> None:
    """The backend froze before the prompts were sent, and the cancel came while they were in doubt:
    the images are canceled only when nothing can arrive any more, and no picture is made."""
    simulating = processes.simulate(seconds=LONG)
    serving = processes.serve([simulating.url])
    until(lambda: serving.get("/v1/backends")["data"][0]["state"] == "ready")
    simulating.process.popen.send_signal(signal.SIGSTOP)
    try:
        batch = ordered(serving, 2)
        for image in batch["images"]:
            until_image(serving, image["id"], "dispatched")
        status, answered = asked(serving, f"/v1/batches/{batch['id']}/cancel")
        assert (status, answered["counts"]["canceled"]) == (200, 0)
    finally:
        simulating.process.popen.send_signal(signal.SIGCONT)
    ended = until_ended(serving, batch["id"])
    assert ended["status"] == "canceled"
    for image in ended["images"]:
        [attempt] = image_of(serving, image["id"])["attempts"]
        assert attempt["outcome"] == "canceled"
    until_idle(simulating)
    assert {r["outcome"] for r in simulating.renderings()} <= {"interrupted"}


@pytest.mark.parametrize("backends", [1, 2])
def test_a_cancel_that_races_with_the_end_has_one_outcome(
    processes: Processes, backends: int
) -> None:
    """Forty batches are canceled at random moments of their lives: every image is stored or
    canceled, never both; counters, rows, events and files agree; nothing is rendered for an image
    that was canceled while it waited."""
    simulatings = [processes.simulate(seconds=0.1) for _ in range(backends)]
    serving = processes.serve([simulating.url for simulating in simulatings])
    dice = random.Random(backends)
    seen: set[str] = set()
    for _ in range(40):
        batch = ordered(serving, 3)
        time.sleep(dice.uniform(0, 0.6 / backends))
        status, answered = asked(serving, f"/v1/batches/{batch['id']}/cancel")
        assert (status, answered.get("code")) in ((200, None), (409, "already-stored"))
        ended = until_ended(serving, batch["id"])
        assert_counted(ended)
        assert_one_outcome(serving, ended)
        seen |= {image["status"] for image in ended["images"]}
        if status == 200:
            withdrawn = {i["id"] for i in answered["images"] if i["status"] == "canceled"}
            now = {i["id"]: i["status"] for i in ended["images"]}
            assert all(now[id] == "canceled" for id in withdrawn)
    assert seen == {"stored", "canceled"}
    for simulating in simulatings:
        until_idle(simulating)
