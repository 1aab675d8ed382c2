"""Our client and our simulator, two processes, over real HTTP and a real websocket."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from safelight.renderers.base import (
    Accepted,
    Connected,
    Disconnected,
    Errored,
    Fetched,
    Finished,
    Interrupted,
    Nowhere,
    OutputFile,
    Progress,
    Prompt,
    Refused,
    Rendered,
    Running,
    Silent,
    Vitals,
    Waiting,
)
from safelight.renderers.comfyui import ComfyUI, Patience
from tests.renderers.listening import Listener, listening
from tests.renderers.simulated import lab_simulator

END = bytes.fromhex("0000000049454e44ae426082")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A simulator of the recordings' nodes, without a pause."""
    with lab_simulator(tmp_path_factory.mktemp("simulator")) as address:
        yield address


@asynccontextmanager
async def faults(url: str, **probabilities: float) -> AsyncIterator[None]:
    """Accidents while the block runs."""
    named = {name.replace("_", "-"): value for name, value in probabilities.items()}
    async with aiohttp.ClientSession(url) as session:
        async with session.post("/simulator/faults", json=named) as answer:
            assert answer.status == 200
        yield
        async with session.post("/simulator/faults", json=dict.fromkeys(named, 0)) as answer:
            assert answer.status == 200


def picture(seed: int, **changes: Any) -> Prompt:
    """A small picture in a folder of its own."""
    prompt_id = str(uuid.uuid4())
    save = {"images": ["2", 0], "filename_prefix": f"safelight/{prompt_id}/image"}
    graph = {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0},
        },
        "2": {
            "class_type": "ImageAddNoise",
            "inputs": {"image": ["1", 0], "seed": seed, "strength": 0.5, **changes},
        },
        "3": {"class_type": "SaveImage", "inputs": save},
    }
    return Prompt(prompt_id, graph, "3", f"safelight/{prompt_id}")


def long_picture(seconds: float = 30.0, *, steps: int = 200) -> Prompt:
    """A prompt that takes its time, with previews."""
    prompt_id = str(uuid.uuid4())
    sampler = {"seed": 1, "steps": steps, "seconds": seconds, "width": 64, "height": 64}
    save = {"images": ["1", 0], "filename_prefix": f"safelight/{prompt_id}/image"}
    graph = {
        "1": {
            "class_type": "LabSleepSampler",
            "inputs": {**sampler, "batch_size": 1, "preview": True},
        },
        "3": {"class_type": "SaveImage", "inputs": save},
    }
    return Prompt(prompt_id, graph, "3", f"safelight/{prompt_id}")


async def rendered(backend: ComfyUI, listener: Listener, prompt: Prompt) -> OutputFile:
    """Submit it, and wait until it is rendered."""
    assert isinstance(await backend.submit(prompt), Accepted)
    await listener.until_ended(prompt.prompt_id)
    sighting = await backend.look(prompt, ended=True)
    assert isinstance(sighting, Finished)
    assert isinstance(sighting.outcome, Rendered)
    assert not sighting.outcome.cached
    return sighting.outcome.files[0]


async def polled(backend: ComfyUI, prompt: Prompt) -> Finished:
    """Look for it until it has ended."""
    async with asyncio.timeout(5):
        while True:
            sighting = await backend.look(prompt)
            if isinstance(sighting, Finished):
                return sighting
            assert isinstance(sighting, Waiting | Running)
            await asyncio.sleep(0.01)


async def test_pictures_come_one_by_one_from_their_own_folders(url: str) -> None:
    async with ComfyUI(url) as backend, listening(backend) as listener:
        seen = set()
        for seed in range(10):
            prompt = picture(seed)
            file = await rendered(backend, listener, prompt)
            assert file == OutputFile("image_00001_.png", prompt.folder or "", "output")
            answer = await backend.fetch(file, 100_000)
            assert isinstance(answer, Fetched)
            assert answer.data.endswith(END)
            seen.add(answer.data)
        assert len(seen) == 10
        assert await backend.probe() == Vitals((), (), "0.3.64")


async def test_a_prompt_without_hints_is_found_by_asking(url: str) -> None:
    async with ComfyUI(url) as backend:
        prompt = picture(20)
        assert await backend.look(prompt) == Nowhere()
        assert isinstance(await backend.submit(prompt), Accepted)
        assert isinstance((await polled(backend, prompt)).outcome, Rendered)


async def test_a_forgotten_prompt_is_found_by_its_whole_file(url: str) -> None:
    async with ComfyUI(url) as backend, listening(backend) as listener:
        async with faults(url, lose_history=1):
            prompt = picture(30)
            await backend.submit(prompt)
            await listener.until_ended(prompt.prompt_id)
            file = OutputFile("image_00001_.png", prompt.folder or "", "output")
            assert await backend.look(prompt, ended=True) == Finished(Rendered((file,), False))
            assert await backend.look(replace(prompt, folder=None)) == Nowhere()
        async with faults(url, lose_history=1, truncate=1):
            prompt = picture(31)
            await backend.submit(prompt)
            await listener.until_ended(prompt.prompt_id)
            assert await backend.look(prompt, ended=True) == Nowhere()


async def test_running_and_waiting_prompts_are_cancelled_by_id(url: str) -> None:
    async with ComfyUI(url) as backend, listening(backend) as listener:
        running, waiting, stranger = long_picture(), picture(40), picture(41)
        for prompt in (running, waiting, stranger):
            await backend.submit(prompt)
        await listener.until(lambda hint: isinstance(hint, Progress) and hint.preview is not None)
        assert await backend.look(running) == Running()
        assert await backend.look(waiting) == Waiting(1)
        assert await backend.look(stranger) == Waiting(2)
        assert await backend.cancel(waiting.prompt_id)
        assert await backend.look(waiting) == Nowhere()
        assert await backend.cancel(running.prompt_id)
        assert await backend.look(running) == Finished(Interrupted())
        await listener.until_ended(stranger.prompt_id)
        sighting = await backend.look(stranger, ended=True)
        assert isinstance(sighting, Finished)
        assert isinstance(sighting.outcome, Rendered)


async def test_steps_and_previews_arrive(url: str) -> None:
    async with ComfyUI(url) as backend, listening(backend) as listener:
        prompt = long_picture(0.4, steps=8)
        await rendered(backend, listener, prompt)
        seen = listener.progress(prompt.prompt_id)
        assert [hint.step for hint in seen] == sorted(hint.step for hint in seen)
        assert (seen[-1].step, seen[-1].steps) == (8, 8)
        assert sum(hint.preview is not None for hint in seen) >= 4


async def test_exhausted_memory_is_told_and_can_be_freed(url: str) -> None:
    async with ComfyUI(url) as backend, listening(backend) as listener:
        async with faults(url, oom=1):
            prompt = picture(50)
            await backend.submit(prompt)
            await listener.until_ended(prompt.prompt_id)
            sighting = await backend.look(prompt, ended=True)
        assert isinstance(sighting, Finished)
        assert isinstance(sighting.outcome, Errored)
        assert sighting.outcome.out_of_memory
        assert await backend.free()


async def test_a_bad_graph_is_refused_with_node_and_reason(url: str) -> None:
    async with ComfyUI(url) as backend:
        refused = await backend.submit(picture(-1))
        assert isinstance(refused, Refused)
        assert refused.reason == "prompt_outputs_failed_validation"
        assert "node 2 (ImageAddNoise): Value -1 smaller than min of 0" in refused.detail
        assert not refused.running


async def test_a_dropped_websocket_costs_time_and_nothing_else(url: str) -> None:
    backend = ComfyUI(url, patience=Patience(reconnect=0.05))
    async with backend, listening(backend) as listener:
        async with faults(url, drop_websocket=1):
            prompt = picture(60)
            await backend.submit(prompt)
            await listener.until(lambda hint: isinstance(hint, Disconnected))
            assert isinstance((await polled(backend, prompt)).outcome, Rendered)
        await listener.until(lambda _: listener.hints[-1] == Connected())
        await rendered(backend, listener, picture(61))


async def test_a_restart_loses_the_queue_and_is_heard(url: str) -> None:
    backend = ComfyUI(url, patience=Patience(reconnect=0.1))
    async with backend, listening(backend) as listener:
        async with faults(url, restart=1):
            prompts = [picture(70), picture(71)]
            await asyncio.gather(*(backend.submit(prompt) for prompt in prompts))
            await listener.until(lambda hint: isinstance(hint, Disconnected))
            assert isinstance(await backend.probe(), Silent)
            await listener.until(lambda _: listener.hints.count(Connected()) == 2)
        vitals = await backend.probe()
        assert isinstance(vitals, Vitals)
        assert (vitals.running, vitals.waiting) == ((), ())
        assert Nowhere() in [await backend.look(prompt) for prompt in prompts]
        await rendered(backend, listener, picture(72))
