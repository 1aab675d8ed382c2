"""No renderer raises a foreign error or tells a secret, whatever is at the address."""

from __future__ import annotations

import pytest

from safelight.renderers.base import (
    Accepted,
    Fetched,
    InDoubt,
    OutputFile,
    Renderer,
    Silent,
    Unfetched,
)
from safelight.renderers.comfyui import ComfyUI
from safelight.renderers.runpod import RunPod
from tests.renderers.raw_server import HASTE, Call, ok, raw_server
from tests.renderers.runpod_server import KEY
from tests.renderers.test_comfyui_hostile import BAD
from tests.renderers.test_comfyui_simulator import picture

RUNPOD_OK = ok(b'{"id": "j1", "status": "IN_QUEUE"}')


async def test_nothing_listening_is_no_error(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}/v2/x"
    for renderer in (ComfyUI(url, patience=HASTE), RunPod(url, token=KEY, patience=HASTE)):
        submission = await renderer.submit(picture(230))
        assert submission == InDoubt("connection refused", sent=False)
        assert await renderer.probe() == Silent("connection refused")
        assert not await renderer.free()
        await renderer.close()


@pytest.mark.parametrize("kind", ["comfyui", "runpod"])
@pytest.mark.parametrize("name", BAD)
async def test_whatever_is_answered_no_error_is_foreign_and_no_secret_told(
    kind: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every answer is one of the protocol's, whatever comes after the prompt was sent."""
    answer, _ = BAD[name]

    async def handle(call: Call) -> None:
        await call.send(RUNPOD_OK if " /run" in call.line else answer)

    async with raw_server(handle) as server:
        renderer: Renderer
        if kind == "comfyui":
            renderer = ComfyUI(server.url, token=KEY, patience=HASTE, answer_limit=2_000)
        else:
            renderer = RunPod(server.url, token=KEY, patience=HASTE)
        prompt = picture(240)
        expected = InDoubt if kind == "comfyui" else Accepted
        said = [await renderer.submit(prompt)]
        assert isinstance(said[0], expected)
        file = OutputFile("image_00001_.png", f"safelight/{prompt.prompt_id}", "output")
        answers: list[object] = [
            await renderer.look(prompt),
            await renderer.probe(),
            await renderer.fetch(file, 1_000),
            await renderer.cancel(prompt.prompt_id),
        ]
        await renderer.close()
    assert isinstance(answers[0], Silent)
    assert isinstance(answers[1], Silent)
    assert isinstance(answers[2], Unfetched | Fetched)
    assert answers[3] is False
    assert KEY not in repr((renderer, said, answers)) + capsys.readouterr().out
