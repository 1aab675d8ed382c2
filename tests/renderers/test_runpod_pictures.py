"""Pictures in the answers of an endpoint: whole, too large, not there yet, or behind a link."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from safelight.renderers.base import (
    Fetched,
    Finished,
    OutputFile,
    Rendered,
    Unfetched,
    Vitals,
)
from tests.renderers.raw_server import Call, ok, raw_server
from tests.renderers.runpod_script import (
    RUN,
    Answer,
    Script,
    backend_of,
    picture_of,
    refusal,
    status,
)
from tests.renderers.test_comfyui_simulator import picture


async def test_a_picture_is_taken_from_memory_and_then_asked_for_again() -> None:
    data = base64.b64encode(b"not yet proven to be a picture").decode()
    script = Script(status=[picture_of(data), picture_of(f"data:image/png;base64,{data}")])
    async with raw_server(script) as server, backend_of(server.url) as backend:
        await backend.submit(prompt := picture(10))
        file = OutputFile("image_00001_.png", f"safelight/{prompt.prompt_id}", "output")
        assert await backend.look(prompt) == Finished(Rendered((file,), cached=False))
        fetched = Fetched(b"not yet proven to be a picture")
        assert await backend.fetch(file, 100) == fetched
        assert len(server.paths("GET")) == 1
        assert await backend.fetch(file, 100) == fetched
        assert len(server.paths("GET")) == 2
        assert await backend.probe() != Vitals((prompt.prompt_id,), ())


@pytest.mark.parametrize("data", ["AAA", "no base64!", "\u00e9" * 8, "AAAA\nAAAA"])
async def test_what_is_not_base64_is_no_picture(data: str) -> None:
    script = Script(status=[picture_of(data)])
    async with raw_server(script) as server, backend_of(server.url) as backend:
        await backend.submit(prompt := picture(11))
        await backend.look(prompt)
        file = OutputFile("image_00001_.png", f"safelight/{prompt.prompt_id}", "output")
        assert await backend.fetch(file, 100) == Unfetched("the picture is not base64", gone=True)


async def test_an_answer_larger_than_any_picture_is_not_read_to_its_end() -> None:
    sent = 0

    async def handle(call: Call) -> None:
        nonlocal sent
        if " /run" in call.line:
            await call.send(RUN)
            return
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await call.send(b"10000\r\n" + b"A" * 65_536 + b"\r\n")
            sent += 65_536

    async with (
        raw_server(handle) as server,
        backend_of(server.url, max_file=3_000_000) as backend,
    ):
        await backend.submit(prompt := picture(12))
        file = OutputFile("image_00001_.png", f"safelight/{prompt.prompt_id}", "output")
        assert await backend.look(prompt) == Finished(Rendered((file,), cached=False))
        answer = await backend.fetch(file, 3_000_000)
        assert answer == Unfetched("more than 3000000 bytes", too_large=True)
    assert sent < 60_000_000


async def test_a_link_that_fails_for_now_is_asked_for_again() -> None:
    async def handle(call: Call) -> None:
        path = call.line.split(" ")[1]
        if path == "/run":
            await call.send(RUN)
        elif path == "/status/j1":
            url = f"http://{call.headers['host']}/bucket/x?X-Amz-Signature=s"
            image = {"filename": "image_00001_.png", "type": "s3_url", "data": url}
            await call.send(status("COMPLETED", output={"images": [image]}))
        elif len([one for one in server.calls if "/bucket" in one.line]) == 1:
            await call.send(refusal(503))
        else:
            await call.send(ok(b"picture"))

    async with raw_server(handle) as server, backend_of(server.url) as backend:
        await backend.submit(prompt := picture(21))
        seen = await backend.look(prompt)
        assert isinstance(seen, Finished)
        assert isinstance(seen.outcome, Rendered)
        (file,) = seen.outcome.files
        first = await backend.fetch(file, 100)
        assert isinstance(first, Unfetched)
        assert not first.gone
        assert await backend.fetch(file, 100) == Fetched(b"picture")
    for call in server.calls:
        assert ("authorization" in call.headers) == ("/bucket" not in call.line)


async def test_a_picture_that_is_not_there_is_not_fetched() -> None:
    answers: list[Answer] = [status("IN_PROGRESS"), refusal(500), refusal(404)]
    async with raw_server(Script(status=answers)) as server, backend_of(server.url) as backend:
        await backend.submit(prompt := picture(22))
        file = OutputFile("image_00001_.png", f"safelight/{prompt.prompt_id}", "output")
        assert await backend.fetch(file, 9) == Unfetched("there is no picture so far")
        assert await backend.fetch(file, 9) == Unfetched("HTTP 500")
        assert await backend.fetch(file, 9) == Unfetched("RunPod no longer has it", gone=True)
        other = replace(file, filename="image_00002_.png")
        assert await backend.fetch(other, 9) == Unfetched("its job is not known here", gone=True)
