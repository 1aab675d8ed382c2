"""The stand-in refuses what RunPod refuses, forgets what it forgets, and really paints."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.renderers.runpod_server import KEY, StandIn, _job, standing_in
from tests.renderers.simulated import lab_simulator
from tests.renderers.test_comfyui_simulator import long_picture, picture

PATIENT = {"ttl": 60_000, "executionTimeout": 30_000}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A simulator without a pause."""
    with lab_simulator(tmp_path_factory.mktemp("simulator")) as address:
        yield address


class Client:
    """Asks the stand-in as an application would."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ask(
        self, method: str, path: str, body: Any = None, key: str | None = KEY
    ) -> tuple[int, Any]:
        """Status, and the JSON if it is JSON."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = self._url if path.startswith("http") else self._url + path
        async with self._session.request(method, url, json=body, headers=headers) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.read()

    async def run(self, graph: Any, policy: Any = None) -> str:
        """The id of a new job."""
        body = {"input": {"workflow": graph}, "policy": policy or PATIENT}
        status, told = await self.ask("POST", "/run", body)
        assert (status, told["status"]) == (200, "IN_QUEUE")
        return str(told["id"])

    async def until(self, job: str, *words: str) -> Any:
        """What is told of a job once its status is one of these; `404` is one."""
        async with asyncio.timeout(20):
            while True:
                status, told = await self.ask("GET", f"/status/{job}")
                if (str(status) if status != 200 else told["status"]) in words:
                    return told
                await asyncio.sleep(0.02)


@asynccontextmanager
async def asking(*comfyui: str, **options: Any) -> AsyncIterator[tuple[Client, StandIn]]:
    async with (
        standing_in(StandIn(comfyui, **options)) as stand_in,
        aiohttp.ClientSession() as session,
    ):
        yield Client(session, stand_in.url), stand_in


@pytest.mark.parametrize("key", [None, "", "rpa_other"])
async def test_without_the_key_nothing_is_answered(key: str | None) -> None:
    async with asking("http://127.0.0.1:9") as (client, stand_in):
        for method, path in (("POST", "/run"), ("GET", "/status/x"), ("GET", "/health")):
            assert (await client.ask(method, path, key=key))[0] == 401
        assert stand_in.ever == []


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"input": 7},
        {"input": {}, "policy": 7},
        {"input": {}, "policy": {"ttl": 9_999}},
        {"input": {}, "policy": {"ttl": 604_800_001}},
        {"input": {}, "policy": {"ttl": "60000"}},
        {"input": {}, "policy": {"executionTimeout": 5_000}},
        {"input": {}, "policy": {"executionTimeout": True}},
    ],
)
async def test_a_bad_job_is_refused(body: Any) -> None:
    async with asking("http://127.0.0.1:9") as (client, stand_in):
        status, told = await client.ask("POST", "/run", body)
        assert status == 400
        assert told["error"]
        assert stand_in.ever == []


def test_unknown_fields_are_passed_over_and_defaults_are_long() -> None:
    async def made() -> None:
        job = _job({"input": {"x": 1}, "more": 2, "policy": {"lowPriority": True}})
        assert (job.ttl, job.execution_timeout) == (86_400.0, 600.0)

    asyncio.run(made())


async def test_a_body_over_ten_megabytes_is_refused() -> None:
    async with asking("http://127.0.0.1:9") as (_, stand_in):
        body = io.BytesIO(json.dumps({"input": {"x": "y" * 10 * 2**20}}).encode())
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session,
            session.post(f"{stand_in.url}/run", data=body) as answer,
        ):
            assert answer.status == 413
        assert stand_in.ever == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/run"), ("POST", "/status/x")])
async def test_a_route_has_its_method(method: str, path: str) -> None:
    async with asking("http://127.0.0.1:9") as (client, _):
        assert (await client.ask(method, path))[0] == 405


async def test_an_unknown_job_is_404() -> None:
    async with asking("http://127.0.0.1:9") as (client, _):
        assert (await client.ask("GET", "/status/nobody-u1"))[0] == 404
        assert (await client.ask("POST", "/cancel/nobody-u1"))[0] == 404


async def test_too_many_requests_in_ten_seconds_are_429() -> None:
    async with asking("http://127.0.0.1:9", rates={"cancel": 3}) as (client, _):
        told = [(await client.ask("POST", "/cancel/x"))[0] for _ in range(5)]
        assert told == [404, 404, 404, 429, 429]
        assert (await client.ask("GET", "/status/x"))[0] == 404


async def test_a_full_queue_is_429(simulator: str) -> None:
    async with asking(simulator) as (client, stand_in):
        await client.until(await client.run(long_picture().graph), "IN_PROGRESS")
        for _ in range(501):
            stand_in._jobs[str(_)] = _job({"input": {}})
        status, _told = await client.ask("POST", "/run", {"input": {"workflow": {}}})
        assert status == 429
        assert len(stand_in.ever) == 1


async def test_a_graph_is_painted_and_the_same_graph_gives_the_same_file(simulator: str) -> None:
    """Measured with the real one: four jobs of one workflow, four times COMPLETED, one file."""
    async with asking(simulator) as (client, _):
        graph = picture(1).graph
        told = [
            await client.until(await client.run(graph), "COMPLETED", "FAILED") for _ in range(4)
        ]
        images = [one["output"]["images"] for one in told]
        assert all(len(one) == 1 for one in images)
        assert {(one[0]["type"], one[0]["filename"]) for one in images} == {
            ("base64", "image_00001_.png")
        }
        assert len({one[0]["data"] for one in images}) == 1
        assert base64.b64decode(images[0][0]["data"]).startswith(b"\x89PNG")
        assert all(one["delayTime"] >= 0 and one["executionTime"] >= 0 for one in told)
        assert list(told[0]) == sorted(told[0])


async def test_a_bucket_gives_a_link_that_takes_no_second_key(simulator: str) -> None:
    async with asking(simulator, bucket=True) as (client, _):
        told = await client.until(await client.run(picture(2).graph), "COMPLETED")
        (image,) = told["output"]["images"]
        assert image["type"] == "s3_url"
        async with aiohttp.ClientSession() as session:
            async with session.get(image["data"]) as answer:
                assert (await answer.read()).startswith(b"\x89PNG")
            async with session.get(image["data"], headers={"Authorization": "Bearer x"}) as answer:
                assert answer.status == 400
            async with session.get(image["data"][:-1]) as answer:
                assert answer.status == 403


async def test_a_worker_does_one_job_at_a_time(simulator: str) -> None:
    async with asking(simulator) as (client, _):
        first = await client.run(long_picture().graph)
        await client.until(first, "IN_PROGRESS")
        second = await client.run(picture(3).graph)
        assert (await client.ask("GET", f"/status/{second}"))[1]["status"] == "IN_QUEUE"
        health = (await client.ask("GET", "/health"))[1]
        assert (health["jobs"]["inProgress"], health["jobs"]["inQueue"]) == (1, 1)
        assert (health["workers"]["running"], health["workers"]["idle"]) == (1, 0)
        assert (await client.ask("POST", f"/cancel/{first}"))[1]["status"] == "CANCELLED"
        await client.until(second, "COMPLETED")
        assert (await client.ask("POST", f"/cancel/{second}"))[1]["status"] == "COMPLETED"


async def test_a_waiting_job_is_cancelled(simulator: str) -> None:
    async with asking(simulator) as (client, _):
        first = await client.run(long_picture().graph)
        await client.until(first, "IN_PROGRESS")
        second = await client.run(picture(4).graph)
        await client.ask("POST", f"/cancel/{second}")
        assert "executionTime" not in await client.until(second, "CANCELLED")
        await client.ask("POST", f"/cancel/{first}")
        assert "executionTime" in await client.until(first, "CANCELLED")


async def test_a_job_that_runs_too_long_is_timed_out(simulator: str) -> None:
    async with asking(simulator) as (client, _):
        policy = {"ttl": 60_000, "executionTimeout": 5_001}
        job = await client.run(long_picture().graph, policy)
        assert "executionTime" in await client.until(job, "TIMED_OUT")
        await client.until(await client.run(picture(5).graph), "COMPLETED")


async def test_a_job_that_lives_too_long_is_forgotten(simulator: str) -> None:
    async with asking(simulator) as (client, stand_in):
        running = await client.run(long_picture().graph)
        await client.until(running, "IN_PROGRESS")
        policy = {"ttl": 10_000, "executionTimeout": 6_000}
        waiting = await client.run(picture(6).graph, policy)
        await client.until(waiting, "404")
        assert stand_in.ever[1].status == "EXPIRED"


async def test_a_result_is_kept_for_a_while(simulator: str) -> None:
    async with asking(simulator, kept=0.3) as (client, _):
        job = await client.run(picture(7).graph)
        await client.until(job, "COMPLETED")
        await client.until(job, "404")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, "Missing 'workflow' parameter"),
        ({"workflow": {}, "images": [7]}, "'images' must be a list"),
        ({"workflow": picture(-1).graph}, "smaller than min"),
    ],
)
async def test_what_the_handler_refuses_is_a_failed_job(
    simulator: str, given: Any, error: str
) -> None:
    async with asking(simulator) as (client, _):
        _, told = await client.ask("POST", "/run", {"input": given})
        assert error in (await client.until(told["id"], "FAILED"))["error"]


async def test_an_input_picture_is_handed_on(simulator: str) -> None:
    async with asking(simulator) as (client, _):
        made = await client.until(await client.run(picture(8).graph), "COMPLETED")
        data = "data:image/png;base64," + made["output"]["images"][0]["data"]
        graph = {
            "1": {"class_type": "LoadImage", "inputs": {"image": "given.png"}},
            "3": {
                "class_type": "SaveImage",
                "inputs": {"images": ["1", 0], "filename_prefix": "x"},
            },
        }
        body = {"input": {"workflow": graph, "images": [{"name": "given.png", "image": data}]}}
        _, told = await client.ask("POST", "/run", body)
        assert len((await client.until(told["id"], "COMPLETED"))["output"]["images"]) == 1


async def test_a_comfyui_that_is_away_is_a_failed_job() -> None:
    async with asking("http://127.0.0.1:9") as (client, _):
        told = await client.until(await client.run(picture(9).graph), "FAILED")
        assert "HTTP communication error" in told["error"]


async def test_accidents_happen_as_often_as_ordered(simulator: str) -> None:
    async with asking(simulator, faults=Counter({"run-500": 1})) as (client, stand_in):
        body = {"input": {"workflow": picture(10).graph}}
        assert (await client.ask("POST", "/run", body))[0] == 500
        assert stand_in.ever == []
        stand_in.faults.update({"run-reset": 1, "run-lost": 1, "status-html": 1})
        for made in (0, 1):
            with pytest.raises(aiohttp.ClientError):
                await client.ask("POST", "/run", body)
            assert len(stand_in.ever) == made
        job = stand_in.ever[0].id
        assert (await client.ask("GET", f"/status/{job}"))[1].startswith(b"<html>")
        await client.until(job, "COMPLETED")
