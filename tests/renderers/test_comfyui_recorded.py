"""Our client against the recorded server side of a real ComfyUI 0.3.64."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from safelight.renderers.base import (
    Accepted,
    Connected,
    Disconnected,
    Ended,
    Errored,
    Fetched,
    Finished,
    InDoubt,
    Interrupted,
    Nowhere,
    OutputFile,
    Progress,
    Refused,
    Rendered,
    Renderer,
    Running,
    Vitals,
    Waiting,
)
from safelight.renderers.comfyui import ComfyUI
from tests.renderers.listening import listening, prompt_of
from tests.renderers.recorded_server import RecordedServer, recorded


async def test_a_prompt_is_accepted_heard_found_and_fetched() -> None:
    async with RecordedServer("single_success") as server, ComfyUI(server.url) as backend:
        async with listening(backend) as listener:
            prompt = prompt_of(server.graphs[0])
            assert await backend.submit(prompt) == Accepted(1.0)
            await listener.until_ended(prompt.prompt_id)
            file = OutputFile("t_single_00001_.png", "", "output")
            sighting = await backend.look(prompt, ended=True)
        assert sighting == Finished(Rendered((file,), cached=False))
        answer = await backend.fetch(file, 200_000)
        assert isinstance(answer, Fetched)
        assert len(answer.data) == 159_216
        paths = [(method, path) for method, path, _ in server.heard]
        # One request after the end: the history. The base path was kept (else: no answers).
        assert paths == [
            ("GET", "/ws"),
            ("WS", "/ws"),
            ("POST", "/prompt"),
            ("GET", f"/history/{prompt.prompt_id}"),
            ("GET", "/view"),
        ]


async def test_the_posted_body_names_the_prompt_the_socket_and_the_metadata() -> None:
    async with RecordedServer("single_success") as server, ComfyUI(server.url) as backend:
        async with listening(backend):
            prompt = prompt_of(server.graphs[0])
            await backend.submit(prompt)
        connected, flags, posted = (body for _, _, body in server.heard)
        assert flags == {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
        assert posted == {
            "prompt": server.graphs[0],
            "prompt_id": prompt.prompt_id,
            "client_id": connected,
            "extra_data": {"extra_pnginfo": {"safelight": {"index": 1}}},
        }
        assert str(uuid.UUID(connected)) == connected


async def test_an_execution_error_and_an_exhausted_memory_are_told_apart() -> None:
    async with RecordedServer("execution_error") as server, ComfyUI(server.url) as backend:
        found = []
        async with listening(backend) as listener:
            for graph in server.graphs:
                prompt = prompt_of(graph)
                await backend.submit(prompt)
                await listener.until_ended(prompt.prompt_id)
                sighting = await backend.look(prompt, ended=True)
                assert isinstance(sighting, Finished)
                found.append(sighting.outcome)
        first, second = found
        assert isinstance(first, Errored)
        assert isinstance(second, Errored)
        assert (first.node, first.node_type, first.message) == ("5", "LabRaise", "boom")
        assert (first.exception_type, first.out_of_memory) == ("ValueError", False)
        assert second.out_of_memory


async def test_an_answer_from_the_cache_is_seen_as_such() -> None:
    async with RecordedServer("cached_duplicate") as server, ComfyUI(server.url) as backend:
        cached = []
        async with listening(backend) as listener:
            for graph in server.graphs:
                prompt = prompt_of(graph)
                await backend.submit(prompt)
                await listener.until_ended(prompt.prompt_id)
                match await backend.look(prompt, ended=True):
                    case Finished(Rendered((file,), was_cached)):
                        cached.append((file.filename, was_cached))
        assert cached == [
            ("t_dup_00001_.png", False),
            ("t_dup_00001_.png", True),
            ("t_dup_other_00001_.png", False),
            ("t_dup_00002_.png", False),
            ("t_dup_00003_.png", False),
        ]


async def test_a_running_prompt_is_interrupted_by_its_own_id() -> None:
    async with RecordedServer("interrupt_running") as server, ComfyUI(server.url) as backend:
        async with listening(backend) as listener:
            prompt = prompt_of(server.graphs[0])
            await backend.submit(prompt)
            await listener.until(lambda hint: isinstance(hint, Progress) and hint.step == 2)
            assert await backend.look(prompt) == Running()
            assert await backend.cancel(prompt.prompt_id)
            await listener.until_ended(prompt.prompt_id)
            assert await backend.look(prompt, ended=True) == Finished(Interrupted())
        stops = [(p, b) for m, p, b in server.heard if m == "POST" and p != "/prompt"]
        assert stops == [
            ("/queue", {"delete": [prompt.prompt_id]}),
            ("/interrupt", {"prompt_id": prompt.prompt_id}),
        ]


async def test_a_waiting_prompt_is_deleted_and_its_neighbours_are_not() -> None:
    async with RecordedServer("delete_queued") as server, ComfyUI(server.url) as backend:
        async with listening(backend) as listener:
            prompts = [prompt_of(graph) for graph in server.graphs]
            for prompt in prompts:
                assert isinstance(await backend.submit(prompt), Accepted)
            first, second, third = prompts
            assert [await backend.look(prompt) for prompt in prompts] == [
                Running(),
                Waiting(1),
                Waiting(2),
            ]
            vitals = Vitals((first.prompt_id,), (second.prompt_id, third.prompt_id))
            assert await backend.probe() == vitals
            assert await backend.cancel(second.prompt_id)
            assert await backend.look(second) == Nowhere()
            await listener.until_ended(third.prompt_id)
            outcomes = [await backend.look(prompt) for prompt in prompts]
        assert [type(outcome) for outcome in outcomes] == [Finished, Nowhere, Finished]
        assert not any(path == "/interrupt" for _, path, _ in server.heard)


async def test_four_in_flight_keep_their_files() -> None:
    async with RecordedServer("four_in_flight") as server, ComfyUI(server.url) as backend:
        async with listening(backend) as listener:
            prompts = [prompt_of(graph) for graph in server.graphs]
            answers = await asyncio.gather(*(backend.submit(prompt) for prompt in prompts))
            assert all(isinstance(answer, Accepted) for answer in answers)
            for prompt in prompts:
                await listener.until_ended(prompt.prompt_id)
            found = {p.prompt_id: await backend.look(p, ended=True) for p in prompts}
        theirs = {}
        for record in server.records:
            for prompt_id, entry in (record.get("body") or {}).items():
                if prompt_id in server.ids and record["dir"] == "in":
                    theirs[server.ids[prompt_id]] = entry["outputs"]["3"]["images"][0]["filename"]
        assert len(set(theirs.values())) == 4
        for prompt_id, sighting in found.items():
            file = OutputFile(theirs[prompt_id], "", "output")
            assert sighting == Finished(Rendered((file,), cached=False))


@pytest.mark.parametrize("name", ["previews_with_metadata", "previews_legacy"])
async def test_previews_belong_to_the_prompt_that_runs(name: str) -> None:
    async with RecordedServer(name) as server, ComfyUI(server.url) as backend:
        async with listening(backend) as listener:
            prompt = prompt_of(server.graphs[0])
            await backend.submit(prompt)
            await listener.until_ended(prompt.prompt_id)
        seen = listener.progress(prompt.prompt_id)
        assert seen[-1].step == seen[-1].steps == 4
        pictures = [hint.preview for hint in seen if hint.preview]
        assert len(pictures) == 4
        assert all(p.startswith(b"\xff\xd8\xff") and p.endswith(b"\xff\xd9") for p in pictures)


async def test_previews_can_be_left_out() -> None:
    async with RecordedServer("previews_legacy") as server:
        async with ComfyUI(server.url, previews=False) as backend, listening(backend) as listener:
            prompt = prompt_of(server.graphs[0])
            await backend.submit(prompt)
            await listener.until_ended(prompt.prompt_id)
        seen = listener.progress(prompt.prompt_id)
        assert [hint.step for hint in seen] == [1, 2, 3, 4]
        assert not any(hint.preview for hint in seen)


async def test_every_recorded_refusal_is_read_without_the_servers_paths() -> None:
    async with RecordedServer("validation_error") as server, ComfyUI(server.url) as backend:
        posts = [r for r in server.records if r["dir"] == "in" and r.get("path") == "/prompt"]
        assert len(posts) > 20
        for record in posts:
            answer = await backend.submit(prompt_of({}))
            match record["status"]:
                case 400:
                    kind = record["body"]["error"]["type"]
                    assert isinstance(answer, Refused)
                    assert (answer.reason, answer.running) == (kind, False)
                case 200:
                    assert isinstance(answer, Refused)
                    assert answer.reason == "prompt_outputs_failed_validation"
                    assert answer.running
                case 500:
                    assert answer == InDoubt("HTTP 500")
            if isinstance(answer, Refused):
                assert answer.detail
                assert not any(word in answer.detail for word in ("/srv", "Traceback", "File "))


async def test_a_killed_server_is_told_and_its_socket_replaced_under_a_fresh_id() -> None:
    async with RecordedServer("kill_SIGKILL_sleep") as server, ComfyUI(server.url) as backend:
        async with listening(backend) as listener:
            prompts = [prompt_of(graph) for graph in server.graphs]
            await asyncio.gather(*(backend.submit(prompt) for prompt in prompts))
            lost = await listener.until(lambda hint: isinstance(hint, Disconnected))
            await listener.until(lambda _: listener.hints.count(Connected()) == 2)
        assert lost == Disconnected("websocket closed (1006)")
        clients = [
            body for _, path, body in server.heard if path == "/ws" and isinstance(body, str)
        ]
        assert len(clients) == len(set(clients)) == 2
        assert not any(isinstance(hint, Ended) for hint in listener.hints)


def test_it_is_a_renderer() -> None:
    renderer: Renderer = ComfyUI("http://127.0.0.1:8188")
    assert repr(renderer) == "ComfyUI('http://127.0.0.1:8188')"


def test_the_recordings_are_there() -> None:
    assert len(recorded("single_success")) == 30
