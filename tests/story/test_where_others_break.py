"""Where others break, measured: each of these lost, mixed up or forged pictures elsewhere."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from tests.processes import Processes, Simulating, until_ended
from tests.story.canceling import at_the_backend
from tests.story.pictures import (
    assert_exactly,
    assert_own_pictures,
    painted,
    pixels,
    prompts_of,
    said_in,
    served,
)
from tests.story.polling import watch
from tests.wire import TROUBLES, Trouble, wire_to

ORDER = {"user": "ann", "character": "mira", "prompt": "on a beach"}
SMALL = {"width": 64, "height": 64}
GAP = 2.0  # s
PORTRAIT = Path(__file__).parents[2] / "src" / "safelight" / "cli" / "portrait.json"


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Until it is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


def test_the_same_order_with_the_same_seed_is_really_drawn_each_time(
    processes: Processes, tmp_path: Path
) -> None:
    """Whoever orders the same workflow with the same seed four times gets four pictures that were
    painted for these four requests, each in a file of its own, although their pixels are equal."""
    output = tmp_path / "output"
    simulating = processes.simulate("--output", str(output))
    serving = processes.serve([simulating.url])
    batches = [serving.order(1, seed=7) for _ in range(4)]
    renderings = simulating.renderings()
    assert [rendering["outcome"] for rendering in renderings] == ["success"] * 4
    assert len({rendering["file"] for rendering in renderings}) == 4
    assert len({batch["images"][0]["url"] for batch in batches}) == 4
    made = painted(simulating, output)
    prompts: set[str] = set()
    for batch in batches:
        assert_exactly(batch, 1)
        assert batch["images"][0]["seed"] == 7
        assert_own_pictures(serving, batch, made)
        prompts |= set(prompts_of(serving, batch).values())
    assert prompts == made.keys()


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_gap_in_the_network_as_a_picture_is_finished_costs_no_picture(
    processes: Processes, trouble: Trouble
) -> None:
    """The network to the render server is away for two seconds while the picture is finished
    there: afterwards it is fetched, and it was painted once."""
    simulating = processes.simulate(seconds=1.2)
    async with wire_to(simulating.url) as wire:
        serving = await asyncio.to_thread(processes.serve, [wire.url])
        id = (await asyncio.to_thread(serving.post, "/v1/batches", {**ORDER, "quantity": 1}))["id"]
        await asyncio.to_thread(until, lambda: len(simulating.renderings()) == 1)
        began = simulating.renderings()[0]["started"]
        await asyncio.sleep(began + 0.6 - time.time())
        await wire.cut(trouble)
        cut = time.time()
        await asyncio.sleep(GAP)
        mended = time.time()
        await wire.mend()
        batch = await asyncio.to_thread(until_ended, serving, id)
        assert_exactly(batch, 1)
        (rendering,) = simulating.renderings()
        assert cut < rendering["finished"] < mended
        shown = await asyncio.to_thread(serving.get, f"/v1/images/{batch['images'][0]['id']}")
        assert [attempt["outcome"] for attempt in shown["attempts"]] == ["stored"]


@pytest.mark.parametrize("fault", ["refused", "drop-websocket", "deaf-websocket"])
async def test_without_any_websocket_a_batch_is_completed_all_the_same(
    processes: Processes, fault: str
) -> None:
    """The websocket is refused, or dies under every picture, or falls silent for good: the render
    server is asked instead, and every picture comes, painted once."""
    simulating = processes.simulate(seconds=0.2)
    if fault != "refused":
        simulating.fault(fault, 1)
    async with wire_to(simulating.url, deaf=fault == "refused") as wire:
        serving = await asyncio.to_thread(processes.serve, [wire.url])
        batch = await asyncio.to_thread(serving.order, 8)
        assert_exactly(batch, 8)
    assert len(simulating.renderings()) == 8


def test_pictures_come_in_the_order_of_their_numbers_each_that_of_its_prompt(
    processes: Processes, tmp_path: Path
) -> None:
    """Batches of eight on a fast and a slow render server, which finish them in disorder: numbers
    and addresses are highest first, the lowest number has the lowest seed, and each address gives
    the picture that was painted for its own prompt and names its own number."""
    outputs = [tmp_path / "fast", tmp_path / "slow"]
    simulators = [
        processes.simulate("--output", str(output / "output"), seconds=seconds)
        for output, seconds in zip(outputs, (0.05, 0.3), strict=True)
    ]
    serving = processes.serve([simulating.url for simulating in simulators])
    batches = [serving.order(8, seed=100 * turn) for turn in range(5)]
    made: dict[str, str] = {}
    for simulating, output in zip(simulators, outputs, strict=True):
        made |= painted(simulating, output / "output")
    for turn, batch in enumerate(batches):
        assert_exactly(batch, 8)
        assert [image["seed"] for image in batch["images"]] == list(
            range(100 * turn + 7, 100 * turn - 1, -1)
        )
        assert batch["urls"] == [image["url"] for image in batch["images"]]
        assert_own_pictures(serving, batch, made)
        named = [said_in(serving.read(url)) for url in batch["urls"]]
        assert [(said["index"], said["image"]) for said in named] == [
            (image["index"], image["id"]) for image in batch["images"]
        ]
    assert len(made) == 40


def test_a_render_server_that_restarts_with_eight_prompts_loses_none(
    processes: Processes,
) -> None:
    """A render server is killed with eight prompts in its queue and comes back without them: all
    eight pictures come, and the next order is served like any other."""
    simulating = processes.simulate(seconds=5)  # none has ended before all eight are there
    backend = f'[[backends]]\nname = "b1"\nurl = "{simulating.url}"\nslots = 8\n'
    serving = processes.serve(config=backend)
    id = serving.post("/v1/batches", {**ORDER, "quantity": 8})["id"]
    until(lambda: _held(simulating) == 8)
    simulating.process.kill()
    processes.simulate(port=port_of(simulating.url), seconds=0.1)
    batch = until_ended(serving, id)
    assert_exactly(batch, 8)
    assert len(set(served(serving, batch).values())) == 8
    assert_exactly(serving.order(2), 2)


def _held(simulating: Simulating) -> int:
    """How many prompts the server's queue holds."""
    return sum(map(len, at_the_backend(simulating)))


def test_previews_are_no_pictures(processes: Processes) -> None:
    """A workflow that samples with previews and shows a second picture beside the saved one is
    asked for four: four are got, each of the size that was asked for, and no preview is kept."""
    graph = json.loads(PORTRAIT.read_text())
    graph["10"] = {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}
    (processes.home / "portrait.json").write_text(json.dumps(graph))
    simulating = processes.simulate(seconds=0.8)
    serving = processes.serve(
        [simulating.url],
        config='[rendering]\npreviews = true\n[workflows.portrait]\nfile = "portrait.json"\n'
        '[characters.ben]\nworkflow = "portrait"\n',
    )
    batch = serving.order(4, character="ben", width=96, height=128)
    assert_exactly(batch, 4)
    for url in batch["urls"]:
        with Image.open(io.BytesIO(serving.read(url))) as picture:
            assert (picture.format, picture.size) == ("PNG", (96, 128))
    assert len(simulating.renderings()) == 4
    kept = [path for path in (processes.home / "state" / "store").rglob("*") if path.is_file()]
    kept = [path for path in kept if "#" not in str(path) and path.name != "index.txt"]
    assert len(kept) == 4, kept


def test_two_render_servers_on_one_output_folder_lose_and_spoil_nothing(
    processes: Processes, tmp_path: Path
) -> None:
    """Two render servers write two hundred pictures into one folder: none is lost, none is spoilt,
    no two are the same, and each is that of its own prompt."""
    output = tmp_path / "shared" / "output"
    simulators = [processes.simulate("--output", str(output), seconds=0) for _ in range(2)]
    serving = processes.serve([simulating.url for simulating in simulators])
    with ThreadPoolExecutor(4) as pool:
        batches = list(
            pool.map(lambda n: serving.order(50, 120, user=f"user-{n}", **SMALL), range(4))
        )
    made = painted(simulators[0], output) | painted(simulators[1], output)
    shown: list[str] = []
    for batch in batches:
        assert_exactly(batch, 50)
        assert_own_pictures(serving, batch, made)
        shown += served(serving, batch).values()
    assert len(set(shown)) == len(shown) == len(made) == 200
    assert all(simulating.renderings() for simulating in simulators)


@pytest.mark.parametrize("befallen", ["moved away", "half written", "its neighbour's"])
async def test_a_file_that_changed_before_it_was_fetched_never_becomes_a_wrong_picture(
    processes: Processes, tmp_path: Path, befallen: str
) -> None:
    """Before it is fetched, a finished file is moved away, cut short, or replaced by its
    neighbour's: the image is painted again, and both images of the batch show what was painted for
    their own prompts."""
    output = tmp_path / "output"
    simulating = processes.simulate("--output", str(output), seconds=1.5)
    async with wire_to(simulating.url) as wire:
        serving = await asyncio.to_thread(processes.serve, [wire.url])
        body = {**ORDER, "quantity": 2}
        id = (await asyncio.to_thread(serving.post, "/v1/batches", body))["id"]
        await asyncio.to_thread(until, lambda: _held(simulating) == 2)
        await wire.cut("stall")
        await asyncio.to_thread(until, lambda: _finished(simulating) == 2)
        first, second = (output / made["file"] for made in simulating.renderings())
        _befall(befallen, first, second)
        await wire.mend()
        batch = await asyncio.to_thread(until_ended, serving, id)
        assert_exactly(batch, 2)
        first.unlink(missing_ok=True)
        made = {
            rendering["prompt_id"]: pixels((output / rendering["file"]).read_bytes())
            for rendering in simulating.renderings()
            if (output / rendering["file"]).exists()
        }
        await asyncio.to_thread(assert_own_pictures, serving, batch, made)
        assert len(simulating.renderings()) == 3


def _finished(simulating: Simulating) -> int:
    return sum(rendering["outcome"] == "success" for rendering in simulating.renderings())


def _befall(what: str, file: Path, neighbour: Path) -> None:
    match what:
        case "moved away":
            file.rename(file.with_name("image_00002_.png"))
        case "half written":
            file.write_bytes(file.read_bytes()[:-1000])
        case "its neighbour's":
            file.write_bytes(neighbour.read_bytes())


def test_a_stored_picture_needs_its_render_server_no_more(
    processes: Processes, tmp_path: Path
) -> None:
    """The render server's folder is emptied and its numbers begin anew with other pictures: every
    address gives what it gave before."""
    output = tmp_path / "output"
    simulating = processes.simulate("--output", str(output))
    serving = processes.serve([simulating.url])
    batch = serving.order(4)
    before = served(serving, batch)
    simulating.process.kill()
    output.rename(tmp_path / "elsewhere")
    again = processes.simulate("--output", str(output), port=port_of(simulating.url))
    other = serving.order(4)
    assert_exactly(other, 4)
    assert len(again.renderings()) == 4
    assert served(serving, batch) == before
    assert not set(before.values()) & set(served(serving, other).values())


def test_who_polls_as_fast_as_possible_is_never_told_what_is_taken_back(
    processes: Processes,
) -> None:
    """Four clients ask for a batch and its images in a tight loop while it is drawn: no end is
    taken back, no picture disappears, and no file ever changes its pixels."""
    simulating = processes.simulate(seconds=0.15)
    serving = processes.serve([simulating.url])
    id = serving.post("/v1/batches", {**ORDER, **SMALL, "quantity": 16})["id"]
    with ThreadPoolExecutor(4) as pool:
        looks = list(pool.map(lambda _: watch(serving, id), range(4)))
    assert min(looks) > 1
    assert len(simulating.renderings()) == 16
