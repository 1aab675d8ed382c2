"""An endpoint that answers badly, too late or not at all; what the renderer then says and sends."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest

from safelight.renderers import runpod as module
from safelight.renderers.base import (
    Accepted,
    Errored,
    Finished,
    InDoubt,
    Interrupted,
    Nowhere,
    Refused,
    Running,
    Silent,
    Vitals,
    Waiting,
)
from safelight.renderers.runpod import RunPod
from tests.renderers.raw_server import HASTE, Call, ok, raw_server
from tests.renderers.runpod_script import (
    KEY,
    RUN,
    Answer,
    Script,
    backend_of,
    refusal,
    status,
)
from tests.renderers.runpod_server import KEY as STAND_IN_KEY
from tests.renderers.runpod_server import StandIn, standing_in
from tests.renderers.test_comfyui_simulator import picture


async def test_what_is_sent_is_one_graph_with_limits() -> None:
    """POST /run with the key, the output's nodes alone, and how long the job may live."""
    prompt = picture(1)
    stray = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}
    async with (
        raw_server(Script()) as server,
        backend_of(server.url, ttl=60, execution_timeout=30) as backend,
    ):
        assert backend.settled_after == 60 + 30 + 20
        sent = replace(prompt, graph={**prompt.graph, "8": stray})
        assert await backend.submit(sent) == Accepted(settled=False)
    (call,) = server.calls
    assert call.line == "POST /run HTTP/1.1"
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(call.body) == {
        "input": {"workflow": prompt.graph},
        "policy": {"ttl": 60_000, "executionTimeout": 30_000},
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "closed without an answer"),
        (refusal(500, b"<html>"), "HTTP 500"),
        (refusal(502, b"<html>"), "HTTP 502"),
        (ok(b"<html>", "Content-Type: text/html"), "HTTP 200, but not as RunPod answers"),
        (ok(b'{"status": "IN_QUEUE"}'), "HTTP 200, but not as RunPod answers"),
    ],
)
async def test_a_lost_answer_is_doubt_and_nothing_is_sent_again(answer: bytes, reason: str) -> None:
    script = Script(run=[answer])
    async with raw_server(script) as server, backend_of(server.url) as backend:
        prompt = picture(2)
        assert await backend.submit(prompt) == InDoubt(reason, sent=True)
        assert await backend.look(prompt) == Nowhere()
        assert not await backend.cancel(prompt.prompt_id)
    assert server.paths("POST") == ["/run"]


async def test_a_slow_answer_is_doubt() -> None:
    async def handle(call: Call) -> None:
        await asyncio.sleep(5)

    async with raw_server(handle) as server, backend_of(server.url) as backend:
        prompt = picture(3)
        assert await backend.submit(prompt) == InDoubt("timed out", sent=True)
        assert await backend.probe() == Silent("timed out")


async def test_a_prompt_that_is_too_large_is_not_sent() -> None:
    async with raw_server(Script()) as server, backend_of(server.url) as backend:
        prompt = picture(4)
        large = {**prompt.graph["2"], "_meta": {"title": "x" * (10 * 2**20)}}
        answer = await backend.submit(replace(prompt, graph={**prompt.graph, "2": large}))
        assert isinstance(answer, Refused)
        assert answer.reason == "too-large"
    assert server.calls == []


async def test_a_job_is_seen_as_runpod_says() -> None:
    answers: list[Answer] = [
        status("IN_QUEUE"),
        status("RUNNING", delayTime=5),
        refusal(500),
        refusal(404),
        status("CANCELLED"),
    ]
    async with raw_server(Script(status=answers)) as server, backend_of(server.url) as backend:
        await backend.submit(prompt := picture(5))
        assert await backend.look(prompt) == Waiting(None)
        assert await backend.look(prompt) == Running()
        assert await backend.look(prompt) == Silent("HTTP 500")
        assert await backend.look(prompt) == Nowhere()
        assert await backend.look(prompt) == Finished(Interrupted())
    assert server.paths("GET") == ["/status/j1"] * 5


async def test_an_unknown_status_is_taken_for_running_and_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    script = Script(status=[status("IN_LIMBO")])
    async with raw_server(script) as server, backend_of(server.url) as backend:
        await backend.submit(prompt := picture(6))
        assert await backend.look(prompt) == Running()
        assert await backend.look(prompt) == Running()
    assert capsys.readouterr().out.count("IN_LIMBO") == 1


async def test_an_unknown_status_ends_with_the_jobs_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its `ttl` and execution time nothing of it can be left, whatever it is said to be."""
    script = Script(status=[status("IN_LIMBO"), status("IN_LIMBO"), refusal(429)])
    async with raw_server(script) as server, backend_of(server.url) as backend:
        await backend.submit(prompt := picture(7))
        assert await backend.look(prompt) == Running()
        now = asyncio.get_running_loop().time() + backend.settled_after + 1
        monkeypatch.setattr(module, "_now", lambda: now)
        assert await backend.look(prompt) == Nowhere()
        assert await backend.look(prompt) == Silent("HTTP 429")


async def test_too_many_questions_are_answered_from_memory() -> None:
    """After a 429 nothing is asked for as long as it says, and the job is as it was."""
    script = Script(status=[status("IN_PROGRESS"), refusal(429, b"", "Retry-After: 25")])
    async with raw_server(script) as server, backend_of(server.url) as backend:
        await backend.submit(prompt := picture(8))
        for _ in range(6):
            assert await backend.look(prompt) == Running()
    assert len(server.paths("GET")) == 2


async def test_a_429_on_run_means_that_nothing_was_taken() -> None:
    async with (
        raw_server(Script(run=[refusal(429)])) as server,
        backend_of(server.url) as backend,
    ):
        assert await backend.submit(picture(9)) == InDoubt("HTTP 429", sent=False)


async def test_a_key_that_is_echoed_is_not_told() -> None:
    """A server that repeats our headers in its error: neither refusal nor failure shows the key."""
    echo = json.dumps({"error": f"who is Bearer {KEY}?"}).encode()
    script = Script(
        run=[refusal(400, echo), RUN], status=[status("FAILED", error=f"curl -H 'Bearer {KEY}'")]
    )
    async with raw_server(script) as server, backend_of(server.url) as backend:
        refused = await backend.submit(picture(13))
        await backend.submit(prompt := picture(14))
        seen = await backend.look(prompt)
        assert isinstance(refused, Refused)
        assert isinstance(seen, Finished)
        assert isinstance(seen.outcome, Errored)
        assert "who is Bearer …?" in refused.detail
        assert KEY not in repr((refused, seen, backend))


@pytest.mark.parametrize("answer", [refusal(401), refusal(403)])
async def test_a_wrong_key_ends_a_cancel_at_once(answer: bytes) -> None:
    script = Script(cancel=[answer], status=[status("IN_QUEUE")], health=[answer])
    async with raw_server(script) as server, backend_of(server.url) as backend:
        await backend.submit(prompt := picture(15))
        assert not await backend.cancel(prompt.prompt_id)
        assert isinstance(await backend.probe(), Silent)
    assert server.paths("POST") == ["/run", "/cancel/j1"]


async def test_a_cancel_is_repeated_until_runpod_says_it_is_over() -> None:
    page = ok(b"<html>", "Content-Type: text/html")
    script = Script(
        cancel=[refusal(500), b"", refusal(429), page, status("CANCELLED")],
        status=[*4 * [status("IN_PROGRESS")], status("CANCELLED")],
        health=[ok(b'{"jobs": {}, "workers": {}}')],
    )
    patience = replace(HASTE, cancel=5.0)
    async with (
        raw_server(script) as server,
        RunPod(server.url, token=KEY, patience=patience) as backend,
    ):
        await backend.submit(prompt := picture(16))
        await backend.look(prompt)
        assert await backend.probe() == Vitals((prompt.prompt_id,), ())
        assert not await backend.cancel(prompt.prompt_id)  # the second answer is a reset
        assert await backend.cancel(prompt.prompt_id)
        assert await backend.probe() == Vitals((), ())
        posts = len(server.calls)
        assert await backend.cancel(prompt.prompt_id)
        assert len(server.calls) == posts  # it is over: nothing is asked any more


@pytest.mark.parametrize(("fault", "made"), [("run-reset", 0), ("run-lost", 1), ("run-502", 0)])
async def test_a_reset_before_and_after_the_job_was_made_looks_the_same(
    fault: str, made: int
) -> None:
    """Nobody can tell from here: it is doubt either way, and no second job is made."""
    stand_in = StandIn(["http://127.0.0.1:9"], faults=Counter({fault: 1}))
    async with (
        standing_in(stand_in),
        RunPod(stand_in.url, token=STAND_IN_KEY, patience=HASTE) as backend,
    ):
        doubt = await backend.submit(prompt := picture(20))
        assert isinstance(doubt, InDoubt)
        assert doubt.sent
        assert await backend.look(prompt) == Nowhere()
        assert len(stand_in.ever) == made


@pytest.mark.parametrize("answer", [refusal(429), refusal(500), ok(b"<html>"), b""])
async def test_an_endpoint_that_does_not_answer_well_is_silent(answer: bytes) -> None:
    async with (
        raw_server(Script(health=[answer])) as server,
        backend_of(server.url) as backend,
    ):
        assert isinstance(await backend.probe(), Silent)


async def test_a_job_runpod_forgot_is_as_good_as_cancelled() -> None:
    script = Script(cancel=[refusal(404)], status=[refusal(404)])
    async with raw_server(script) as server, backend_of(server.url) as backend:
        await backend.submit(prompt := picture(17))
        assert await backend.cancel(prompt.prompt_id)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"jobs": 1, "workers": 2}', b'"ok"'])
async def test_what_is_no_endpoint_is_silent(body: bytes) -> None:
    async with (
        raw_server(Script(health=[ok(body)])) as server,
        backend_of(server.url) as backend,
    ):
        assert await backend.probe() == Silent("not as RunPod answers")


async def test_what_runpod_has_forgotten_is_forgotten_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the jobs of a year."""
    health = ok(b'{"jobs": {}, "workers": {}}')
    answers: list[Answer] = [ok(b'{"id": "j%d"}' % n) for n in range(3)]
    async with (
        raw_server(Script(run=answers, health=[health])) as server,
        backend_of(server.url) as backend,
    ):
        old, young = picture(18), picture(19)
        await backend.submit(old)
        vitals = await backend.probe()
        assert vitals == Vitals((), (old.prompt_id,))
        now = asyncio.get_running_loop().time() + backend.settled_after + 1_801
        monkeypatch.setattr(module, "_now", lambda: now)
        await backend.submit(young)
        assert await backend.probe() == Vitals((), (young.prompt_id,))
        assert await backend.look(old) == Nowhere()
