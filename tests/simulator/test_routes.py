"""Routes by hand: what the recordings could not show, from the measured contract."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest

from tests.simulator.asking import Client, quick, sleeper
from tests.simulator.conftest import Start

NOT_SIMULATED = [
    "/",
    "/internal/logs",
    "/internal/logs/raw",
    "/internal/folder_paths",
    "/internal/files/output",
    "/api/internal/logs",
    "/users",
    "/settings",
    "/userdata?dir=",
    "/i18n",
    "/workflow_templates",
    "/experiment/models",
    "/experiment/models/checkpoints",
    "/extensions",
    "/view_metadata/checkpoints?filename=a.safetensors",
    "/docs",
    "/jobs",
    "/api/jobs",
    "/health",
    "/history/",
]


@pytest.mark.parametrize("path", NOT_SIMULATED)
async def test_routes_that_are_not_simulated_answer_404(client: Client, path: str) -> None:
    assert await client.ask("GET", path) == (404, b"")
    assert (await client.ask("HEAD", path))[0] == 404
    assert (await client.ask("POST", path))[0] == 405
    assert (await client.ask("OPTIONS", path))[0] == 200


ORIGINS = [
    ("127.0.0.1:8188", "http://127.0.0.1:8188", 200),
    ("127.0.0.1:8188", "http://localhost:8188", 403),
    ("127.0.0.1:8188", "http://127.0.0.1:8189", 403),
    ("127.0.0.1:8188", "https://evil.example", 403),
    ("localhost:8188", "https://evil.example", 403),
    ("[::1]:8188", "https://evil.example", 403),
    ("127.0.0.1", "http://127.0.0.1:8189", 200),  # a port on one side only does not count
    ("127.0.0.1:8188", "http://127.0.0.1", 200),
    ("127.0.0.1:8188", "null", 200),
    ("render.example:8188", "https://evil.example", 200),  # guards only the machine's own pages
    ("", "https://evil.example", 200),
]


@pytest.mark.parametrize(("host", "origin", "status"), ORIGINS)
async def test_pages_of_other_sites_do_not_reach_a_local_server(
    client: Client, host: str, origin: str, status: int
) -> None:
    headers = {"Host": host, "Origin": origin}
    assert (await client.ask("GET", "/prompt", headers=headers))[0] == status


UNUSUAL_BODIES = [
    (b"\xef\xbb\xbf" + b'{"prompt": {}}', 500),  # a byte order mark
    (b'"prompt"', 500),
    (b'"x"', 400),
    (b"7", 500),
    (b'{"prompt": {}, "number": null}', 500),
    (b'{"prompt": {}, "extra_data": null}', 400),
    (b'{"prompt": {}, "extra_data": null, "client_id": "a"}', 500),
    (b'{"prompt": {}, "extra_data": "a", "client_id": "a"}', 500),
    (b'{"prompt": {"1": null}}', 500),
    (b'{"prompt": {"1": {"class_type": []}}}', 500),
]


@pytest.mark.parametrize(("body", "status"), UNUSUAL_BODIES)
async def test_bodies_are_used_as_naively_as_there(
    client: Client, body: bytes, status: int
) -> None:
    found, answer = await client.ask("POST", "/prompt", data=body)
    assert found == status
    if status == 500:
        assert answer == b"500 Internal Server Error\n\nServer got itself in trouble"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_the_content_type_does_not_matter(client: Client, kind: str | None) -> None:
    data = json.dumps({"prompt": quick()}).encode()
    headers = {} if kind is None else {"Content-Type": kind}
    assert (await client.ask("POST", "/prompt", data=data, headers=headers))[0] == 200


async def test_an_id_is_whatever_it_is_given(client: Client) -> None:
    given: list[tuple[Any, str]] = [("a/b c", "a/b c"), (12345, "12345"), (None, "None"), ("", "")]
    for prompt_id, kept in given:
        assert await client.post(quick(), prompt_id=prompt_id) == kept
    await client.idle()
    assert set(await client.get("/history")) == {kept for _, kept in given}
    assert "a/b c" in await client.get("/history/a%2Fb%20c")
    assert (await client.ask("GET", "/history/"))[0] == 404


async def test_a_client_that_hangs_up_is_still_served(client: Client) -> None:
    """The last byte counts, not whether anybody waits for the answer; a cut body does not."""
    body = json.dumps({"prompt": quick(), "prompt_id": "orphan"}).encode()
    head = f"POST /prompt HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for content in (body, body.replace(b"orphan", b"cut___")[:-1]):
        _, writer = await asyncio.open_connection(*_address(client))
        writer.write(head + content)
        await writer.drain()
        writer.transport.abort()
    assert (await client.entry("orphan"))["status"]["completed"]
    assert await client.get("/history/cut___") == {}


async def test_the_queue_is_shown_whole_and_deleted_from(lab: Client) -> None:
    first = await lab.post(sleeper(0.4))
    await lab.running(first)
    ids = [await lab.post(quick(seed), number=number) for seed, number in ((1, 9), (2, 3), (3, 7))]
    pending = (await lab.get("/queue"))["queue_pending"]
    assert sorted(item[1] for item in pending) == sorted(ids)
    assert [item[0] for item in sorted(pending)] == [3.0, 7.0, 9.0]
    assert await lab.ask("POST", "/queue", json={"delete": [first, ids[0], "nope"]}) == (200, b"")
    assert await lab.get("/prompt") == {"exec_info": {"queue_remaining": 3}}
    await lab.ask("POST", "/queue", json={"clear": True})
    await lab.idle()
    assert list(await lab.get("/history")) == [first]  # the running one is never touched


async def test_the_lowest_number_runs_first_and_front_goes_before(lab: Client) -> None:
    await lab.running(await lab.post(sleeper(0.4), prompt_id="running"))
    order: list[tuple[str, dict[str, Any]]] = [
        ("plain", {}),
        ("front", {"front": True}),
        ("later front", {"front": True}),
        ("not front", {"front": False}),
        ("explicit", {"number": -1000}),
        ("fraction", {"number": "0.5"}),
    ]
    for name, more in order:
        await lab.post(quick(), prompt_id=name, **more)
    await lab.idle()
    assert list(await lab.get("/history")) == [
        "running",
        "explicit",
        "later front",
        "front",
        "fraction",
        "plain",
        "not front",
    ]


async def test_history_is_read_and_deleted(client: Client) -> None:
    ids = [await client.post(quick(seed)) for seed in range(4)]
    await client.idle()
    assert list(await client.get("/history?max_items=2")) == ids[2:]
    assert list(await client.get("/history?max_items=2&offset=1")) == ids[1:3]
    assert list(await client.get("/history?offset=3")) == ids[3:]
    assert (await client.ask("GET", "/history?max_items=x"))[0] == 500
    await client.ask("POST", "/history", json={"delete": [ids[0], "nope"]})
    assert list(await client.get("/api/history")) == ids[1:]
    await client.ask("POST", "/history", json={"clear": True})
    assert await client.get("/history") == {}


async def test_object_info_has_every_class_in_the_shape_of_the_real_one(client: Client) -> None:
    classes = await client.get("/object_info")
    assert len(classes) == 34
    assert not [name for name in classes if name.startswith("Lab")]
    for name, shown in classes.items():
        assert shown["name"] == name
        assert list(shown["input"]["required"]) == shown["input_order"]["required"]
        assert len(shown["output"]) == len(shown["output_is_list"]) == len(shown["output_name"])
        assert await client.get(f"/object_info/{name}") == {name: shown}
    outputs = {name for name, shown in classes.items() if shown["output_node"]}
    assert outputs == {"SaveImage", "PreviewImage"}
    assert classes["CLIPLoader"]["input"]["optional"] == {
        "device": [["default", "cpu"], {"advanced": True}]
    }


async def test_models_are_listed_and_only_those_are_taken(simulate: Start) -> None:
    client, lenient = await simulate(), await simulate(models_any=True)
    assert "diving.safetensors" in await client.get("/models/checkpoints")
    assert "opal_fever_v2" in await client.get("/embeddings")
    assert await client.ask("GET", "/models/nope") == (404, b"")
    graph = quick()
    graph["9"] = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "mine.ckpt"}}
    graph["8"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["2", 0], "vae": ["9", 2]}}
    graph["7"] = {"class_type": "VAEDecode", "inputs": {"samples": ["8", 0], "vae": ["9", 2]}}
    graph["3"]["inputs"]["images"] = ["7", 0]
    status, body = await client.ask("POST", "/prompt", json={"prompt": graph})
    (error,) = body["node_errors"]["9"]["errors"]
    assert (status, error["type"]) == (400, "value_not_in_list")
    assert len(await lenient.saved(graph)) == 1


async def test_the_machine_is_described(client: Client) -> None:
    stats = await client.get("/system_stats")
    assert stats["system"]["comfyui_version"] == "0.3.64"
    assert stats["devices"][0]["type"] == "cpu"
    assert await client.get("/features") == {
        "supports_preview_metadata": True,
        "max_upload_size": 104857600,
    }


async def test_a_port_that_is_taken_is_an_error(simulate: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
        await simulate(port=taken.getsockname()[1])


def _address(client: Client) -> tuple[str, int]:
    host, port = client.url.removeprefix("http://").rsplit(":", 1)
    return host, int(port)
