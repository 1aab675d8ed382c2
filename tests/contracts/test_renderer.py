"""What every renderer promises, asked of a ComfyUI and of a RunPod endpoint, over real HTTP.

The ComfyUI is the simulator, a process of its own; the endpoint is a stand-in that lets the same
simulator paint, and hands pictures over in its answer or in a bucket.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest
from PIL import Image

from safelight.renderers.base import (
    Accepted,
    Connected,
    Disconnected,
    Errored,
    Fetched,
    Finished,
    InDoubt,
    Interrupted,
    Nowhere,
    OutputFile,
    Prompt,
    Refused,
    Rendered,
    Renderer,
    Running,
    Silent,
    Unfetched,
    Vitals,
    Waiting,
)
from safelight.renderers.comfyui import ComfyUI
from safelight.renderers.runpod import RunPod
from tests.renderers.runpod_server import KEY, StandIn, standing_in
from tests.renderers.simulated import lab_simulator
from tests.renderers.test_comfyui_simulator import faults, long_picture, picture

T = TypeVar("T")


@dataclass
class Case:
    """A renderer, and the ComfyUI that paints for it in the end."""

    kind: str
    renderer: Renderer
    comfyui: str


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A simulator with the recordings' nodes, without a pause."""
    with lab_simulator(tmp_path_factory.mktemp("simulator")) as address:
        yield address


@asynccontextmanager
async def opened(kind: str, comfyui: str) -> AsyncIterator[Case]:
    if kind == "comfyui":
        async with ComfyUI(comfyui, token=KEY) as renderer:
            yield Case(kind, renderer, comfyui)
        return
    stand_in = StandIn([comfyui], bucket=kind == "runpod-bucket")
    async with standing_in(stand_in), RunPod(stand_in.url, token=KEY) as runpod:
        yield Case(kind, runpod, comfyui)


@pytest.fixture(params=["comfyui", "runpod", "runpod-bucket"])
async def case(request: pytest.FixtureRequest, simulator: str) -> AsyncIterator[Case]:
    async with opened(request.param, simulator) as made:
        yield made


async def seen(renderer: Renderer, prompt: Prompt, kind: type[T]) -> T:
    """Look for it until it is seen so."""
    async with asyncio.timeout(15):
        while True:
            sighting = await renderer.look(prompt)
            if isinstance(sighting, kind):
                return sighting
            await asyncio.sleep(0.02)


async def finished(renderer: Renderer, prompt: Prompt) -> Any:
    """Send it and wait for its outcome."""
    assert isinstance(await renderer.submit(prompt), Accepted)
    return (await seen(renderer, prompt, Finished)).outcome


async def drawn(renderer: Renderer, prompt: Prompt) -> bytes:
    """Its picture's bytes."""
    outcome = await finished(renderer, prompt)
    assert isinstance(outcome, Rendered)
    assert not outcome.cached
    answer = await renderer.fetch(outcome.files[0], 1_000_000)
    assert isinstance(answer, Fetched), answer
    return answer.data


async def test_a_prompts_picture_is_its_own(case: Case) -> None:
    """The PNG itself says which attempt's prefix it was saved under."""
    for seed in range(4):
        prompt = picture(seed)
        data = await drawn(case.renderer, prompt)
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            assert prompt.prompt_id in str(image.info["prompt"])


async def test_the_same_workflow_twice_is_painted_twice(case: Case) -> None:
    """Two attempts with one seed: equal pixels, but each file is the attempt's own, never an
    earlier one's out of the cache."""
    first, second = picture(100), picture(100)
    one, other = await drawn(case.renderer, first), await drawn(case.renderer, second)
    assert one != other
    with Image.open(io.BytesIO(one)) as a, Image.open(io.BytesIO(other)) as b:
        assert a.tobytes() == b.tobytes()
        assert second.prompt_id in str(b.info["prompt"])
        assert first.prompt_id not in str(b.info["prompt"])


async def test_a_prompt_without_a_folder_is_fetched_too(case: Case) -> None:
    prompt = picture(110)
    assert (await drawn(case.renderer, replace(prompt, folder=None)))[:4] == b"\x89PNG"


async def test_only_the_output_nodes_picture_counts(case: Case) -> None:
    """A graph that saves twice: the picture is the output node's, wherever it stands."""
    prompt = picture(120)
    other = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "other"}}
    graph = {"0": other, **prompt.graph, "9": other}
    data = await drawn(case.renderer, replace(prompt, graph=graph))
    alone = await drawn(case.renderer, picture(120))
    with Image.open(io.BytesIO(data)) as a, Image.open(io.BytesIO(alone)) as b:
        assert a.tobytes() == b.tobytes()


async def test_a_prompt_waits_runs_and_is_held(case: Case) -> None:
    running, waiting = long_picture(), picture(130)
    assert isinstance(await case.renderer.submit(running), Accepted)
    await seen(case.renderer, running, Running)
    assert isinstance(await case.renderer.submit(waiting), Accepted)
    await seen(case.renderer, waiting, Waiting)
    vitals = await case.renderer.probe()
    assert isinstance(vitals, Vitals)
    assert vitals.running == (running.prompt_id,)
    assert vitals.waiting == (waiting.prompt_id,)
    assert await case.renderer.cancel(running.prompt_id)
    assert await seen(case.renderer, running, Finished) == Finished(Interrupted())
    await seen(case.renderer, waiting, Finished)
    assert await case.renderer.probe() == replace(vitals, running=(), waiting=())


async def test_cancel_stops_its_prompt_and_no_other(case: Case) -> None:
    running, waiting, stranger = long_picture(), picture(140), picture(141)
    await case.renderer.submit(running)
    await seen(case.renderer, running, Running)
    for prompt in (waiting, stranger):
        await case.renderer.submit(prompt)
        await seen(case.renderer, prompt, Waiting)
    assert await case.renderer.cancel(waiting.prompt_id)
    assert await case.renderer.look(waiting) in (Nowhere(), Finished(Interrupted()))
    assert await case.renderer.look(running) == Running()
    assert await case.renderer.cancel(running.prompt_id)
    assert isinstance((await seen(case.renderer, stranger, Finished)).outcome, Rendered)
    assert await case.renderer.look(waiting) in (Nowhere(), Finished(Interrupted()))


async def test_cancel_of_an_ended_prompt_changes_nothing(case: Case) -> None:
    prompt = picture(150)
    outcome = await finished(case.renderer, prompt)
    assert await case.renderer.cancel(prompt.prompt_id)
    assert await case.renderer.look(prompt) == Finished(outcome)
    assert isinstance(await case.renderer.fetch(outcome.files[0], 1_000_000), Fetched)


async def test_an_unknown_prompt_is_nowhere(case: Case) -> None:
    prompt = picture(160)
    assert await case.renderer.look(prompt) == Nowhere()
    assert await case.renderer.look(prompt, ended=True) == Nowhere()
    unknown = OutputFile("image_00001_.png", f"safelight/{prompt.prompt_id}", "output")
    answer = await case.renderer.fetch(unknown, 1_000)
    assert isinstance(answer, Unfetched)
    assert answer.gone
    # Only who can look for any prompt can know that this one is not there.
    assert await case.renderer.cancel(prompt.prompt_id) == (case.kind == "comfyui")
    assert not await case.renderer.cancel("")


async def test_the_reason_of_a_failure_is_told(case: Case) -> None:
    prompt = picture(170)
    inputs = {"image": ["1", 0], "kind": "ValueError", "message": "boom"}
    broken = {**prompt.graph, "2": {"class_type": "LabRaise", "inputs": inputs}}
    outcome = await finished(case.renderer, replace(prompt, graph=broken))
    assert isinstance(outcome, Errored)
    assert (outcome.node, outcome.node_type) == ("2", "LabRaise")
    assert "boom" in outcome.message
    assert not outcome.out_of_memory


async def test_exhausted_memory_is_recognised(case: Case) -> None:
    async with faults(case.comfyui, oom=1):
        outcome = await finished(case.renderer, picture(180))
    assert isinstance(outcome, Errored)
    assert outcome.out_of_memory
    assert isinstance(await case.renderer.free(), bool)


async def test_a_graph_the_backend_refuses_fails_with_its_words(case: Case) -> None:
    submission = await case.renderer.submit(prompt := picture(-1))
    if isinstance(submission, Refused):
        told = submission.detail
    else:
        outcome = (await seen(case.renderer, prompt, Finished)).outcome
        assert isinstance(outcome, Errored)
        told = outcome.message
    assert re.search("smaller than min", told)


async def test_a_graph_without_a_saved_picture_ends_without_one(case: Case) -> None:
    prompt = picture(190)
    shown = {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}}
    graph = {**prompt.graph, "3": shown}
    assert await finished(case.renderer, replace(prompt, graph=graph)) == Rendered((), False)


async def test_what_cannot_be_sent_is_refused(case: Case) -> None:
    prompt = picture(200)
    inputs = {**prompt.graph["2"]["inputs"], "seed": object()}
    graph = {**prompt.graph, "2": {**prompt.graph["2"], "inputs": inputs}}
    submission = await case.renderer.submit(replace(prompt, graph=graph))
    assert isinstance(submission, Refused)
    assert submission.reason == "unsendable"


async def test_no_more_is_fetched_than_allowed(case: Case) -> None:
    prompt = picture(210)
    outcome = await finished(case.renderer, prompt)
    answer = await case.renderer.fetch(outcome.files[0], 100)
    assert isinstance(answer, Unfetched)
    assert answer.too_large
    whole = await case.renderer.fetch(outcome.files[0], 1_000_000)
    assert isinstance(whole, Fetched)
    assert whole.data.endswith(bytes.fromhex("0000000049454e44ae426082"))


async def test_hints_begin_with_the_connection_and_end_with_close(case: Case) -> None:
    hints: Any = case.renderer.hints()
    async with asyncio.timeout(10), aclosing(hints):
        assert await anext(hints) == Connected()
        await case.renderer.close()
        async for hint in hints:
            assert isinstance(hint, Disconnected)


async def test_a_closed_renderer_answers_that_nothing_was_sent(case: Case) -> None:
    prompt = picture(220)
    await finished(case.renderer, prompt)
    await case.renderer.close()
    await case.renderer.close()
    submission = await case.renderer.submit(picture(221))
    assert submission == InDoubt("closed", sent=False)
    assert isinstance(await case.renderer.look(prompt), Silent)
    assert isinstance(await case.renderer.probe(), Silent)
    assert not await case.renderer.free()


async def test_how_long_nowhere_must_wait_is_known(case: Case) -> None:
    assert case.renderer.settled_after >= 15
    assert 0 < case.renderer.look_every <= 1
