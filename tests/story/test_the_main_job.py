"""Ask for N, get N different ones, the ones this request made, each under its reserved index."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.processes import Processes, Serving, Simulating
from tests.story.pictures import assert_exactly, painted, served


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "output"


@pytest.fixture
def simulating(processes: Processes, output: Path) -> Simulating:
    return processes.simulate("--output", str(output))


@pytest.fixture
def serving(processes: Processes, simulating: Simulating) -> Serving:
    return processes.serve([simulating.url])


@pytest.mark.parametrize("quantity", [1, 2, 4, 8])
def test_whoever_asks_for_n_images_gets_exactly_n_that_differ_in_pixels(
    serving: Serving, quantity: int
) -> None:
    """An order of N ends with N stored images of which no two have the same pixels."""
    batch = serving.order(quantity)
    assert_exactly(batch, quantity)
    assert len(set(served(serving, batch).values())) == quantity


def test_every_image_is_the_one_its_own_prompt_made(
    serving: Serving, simulating: Simulating, output: Path
) -> None:
    """Two users and two characters order at once; each image's pixels are those of the file that
    the render server wrote for exactly that image's prompt id."""
    orders = [
        {"user": user, "character": character}
        for user in ("ann", "ben")
        for character in ("mira", "opal-fever")
    ]
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda fields: serving.order(4, **fields), orders))
    made = painted(simulating, output)
    for batch in batches:
        assert_exactly(batch, 4)
        shown = served(serving, batch)
        for image in batch["images"]:
            detail = serving.get(f"/v1/images/{image['id']}")
            assert made[detail["prompt_id"]] == shown[image["id"]]
    assert len(made) == 16


def test_fifty_requests_at_once_for_one_series_leave_no_gap(serving: Serving) -> None:
    """Fifty concurrent requests of four for one series are given the indices 1 to 200, each
    request four in a row, and all two hundred images come."""
    with ThreadPoolExecutor(50) as pool:
        batches = list(pool.map(lambda _: serving.order(4, wait=120), range(50)))
    for batch in batches:
        assert_exactly(batch, 4)
    assert sorted(i for batch in batches for i in batch["indices"]) == list(range(1, 201))
    series = serving.get("/v1/series/ann/mira")
    assert series["highest"] == 200
    assert serving.read("/v1/series/ann/mira/index.txt") == b"200\n"


def test_an_image_is_served_the_moment_it_is_stored(processes: Processes) -> None:
    """The first image of a batch can be fetched while the last one is still being rendered."""
    slow = processes.simulate(seconds=0.6)
    serving = processes.serve([slow.url])
    batch = serving.post(
        "/v1/batches", {"user": "ann", "character": "mira", "prompt": "", "quantity": 4}
    )
    assert batch["status"] in ("queued", "running")
    until = time.monotonic() + 60
    stored: list[dict[str, object]] = []
    while not stored:
        assert time.monotonic() < until, serving.described(batch)
        now = serving.get(f"/v1/batches/{batch['id']}")
        stored = [image for image in now["images"] if image["status"] == "stored"]
    assert now["status"] == "running"
    assert serving.read(str(stored[0]["url"])).endswith(b"IEND\xaeB`\x82")


def test_the_same_key_gives_the_same_batch_and_other_keys_give_others(
    serving: Serving, simulating: Simulating
) -> None:
    """Ten identical requests with the same seed and the same key give one batch; with ten keys
    they give ten batches of files that were really rendered."""
    body = {"user": "ann", "character": "mira", "prompt": "x", "quantity": 2, "seed": 5}

    def ask(key: str) -> str:
        answer = serving.post("/v1/batches", body, {"Idempotency-Key": key}, wait=60)
        assert_exactly(answer, 2)
        return str(answer["id"])

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(ask, ["one"] * 10))) == 1
        assert len(simulating.renderings()) == 2
        others = set(pool.map(ask, [f"key-{n}" for n in range(10)]))
    assert len(others) == 10
    renderings = simulating.renderings()
    assert len({rendering["prompt_id"] for rendering in renderings}) == 22
    assert {rendering["outcome"] for rendering in renderings} == {"success"}
    assert len({rendering["file"] for rendering in renderings}) == 22
