"""Starting, options, the pace, and the oracle."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from safelight.simulator.__main__ import fault_given
from safelight.simulator.main import Options, start
from tests.simulator.asking import Client, pixels, quick
from tests.simulator.conftest import Start
from tests.simulator.processes import refused, simulator

WRONG: list[dict[str, Any]] = [
    {"faults": {"nope": 1}},
    {"faults": {"oom": 2}},
    {"port": -1},
    {"port": 65536},
    {"port": 65535, "count": 2},
    {"count": 0},
    {"seconds": -1},
    {"seconds": float("nan")},
    {"steps": 0},
    {"lab_scale": -1},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_options_are_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Options(home=tmp_path, **wrong)


@pytest.mark.parametrize("text", ["oom", "oom:", "oom:x", ":"])
def test_a_fault_needs_a_probability(text: str) -> None:
    with pytest.raises(ValueError, match="NAME:PROBABILITY"):
        fault_given(text)


async def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for flags in (["--fault", "nope:1"], ["--fault", "oom:7"], ["--port", port]):
            code, said = await refused("--home", str(tmp_path), *flags)
            assert (code, said.count("\n")) == (2, 1), said
            assert said.startswith("simulator: ")


async def test_several_servers_share_nothing_but_the_process(tmp_path: Path) -> None:
    async with simulator(tmp_path, "--seconds", "0", count=3) as running:
        files = []
        for url in running.urls:
            port = url.rsplit(":", 1)[1]
            async with Client(url, tmp_path / "simulator" / port / "output") as client:
                files += await client.saved(quick(7))
                assert len(await client.renderings()) == 1
                assert len(await client.get("/history")) == 1
    assert len(set(files)) == 3
    assert len({pixels(file) for file in files}) == 1  # the same graph, the same picture
    assert {file.name for file in files} == {"t_00001_.png"}


def two_free_ports() -> int:
    """The first of two, outside of the range from which others are given theirs."""
    while True:
        port = random.randrange(20_000, 30_000)
        with ExitStack() as stack, suppress(OSError):
            for following in (port, port + 1):
                stack.enter_context(socket.create_server(("127.0.0.1", following)))
            return port


async def test_following_ports_and_one_output(tmp_path: Path) -> None:
    """Two servers on one output folder find each other's files, and may write over them."""
    port = two_free_ports()
    output = tmp_path / "shared" / "output"
    options = Options(home=tmp_path, port=port, count=2, seconds=0, output=output)
    servers = await start(options)
    try:
        assert servers.urls == [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"]
        names = []
        for seed, url in enumerate(servers.urls):
            async with Client(url, output) as client:
                names += [path.name for path in await client.saved(quick(seed))]
    finally:
        await servers.close()
    assert names == ["t_00001_.png", "t_00002_.png"]
    lines = (tmp_path / "shared" / "renderings.jsonl").read_text().splitlines()
    assert len(lines) == 4


async def test_output_survives_and_history_does_not(tmp_path: Path) -> None:
    port = 0
    for life in (1, 2):
        servers = await start(Options(home=tmp_path, port=port, seconds=0))
        port = int(servers.urls[0].rsplit(":", 1)[1])
        output = tmp_path / "simulator" / str(port) / "output"
        async with Client(servers.urls[0], output) as client:
            assert await client.get("/history") == {}
            assert await client.renderings() == []
            assert (await client.saved(quick(1)))[0].name == f"t_0000{life}_.png"
        await servers.close()


async def test_a_second_server_that_cannot_start_stops_the_first(tmp_path: Path) -> None:
    port = two_free_ports()
    with socket.create_server(("127.0.0.1", port + 1)):
        with pytest.raises(OSError):
            await start(Options(home=tmp_path, port=port, count=2, seconds=0))
        with socket.create_server(("127.0.0.1", port)):
            pass


async def test_a_prompt_can_end_the_process(tmp_path: Path) -> None:
    async with simulator(tmp_path, "--seconds", "0") as running:
        async with Client(running.url, tmp_path) as client:
            body = {"prompt": quick(), "client_id": ["unhashable"]}
            assert (await client.ask("POST", "/prompt", json=body))[0] == 200
        assert await running.ended() == 1


@pytest.mark.parametrize(("seconds", "side"), [(0.012, 64), (0.3, 64), (0.3, 512)])
async def test_seconds_are_the_whole_time_painting_included(
    simulate: Start, seconds: float, side: int
) -> None:
    client = await simulate(seconds=seconds)
    took = [1.0]
    while min(took) >= seconds + 0.008 and len(took) < 20:  # other things run on the machine
        await client.run(quick(len(took), side))
        (*_, last) = await client.renderings()
        took.append(last["finished"] - last["started"])
        assert took[-1] >= seconds
    assert min(took) < seconds + 0.008


async def test_zero_seconds_are_as_fast_as_it_can(client: Client) -> None:
    for seed in range(30):
        await client.run(quick(seed))
    took = [one["finished"] - one["started"] for one in await client.renderings()]
    assert min(took) < 0.006


async def test_the_oracle_tells_of_every_prompt_that_began(simulate: Start) -> None:
    client = await simulate(seconds=0.3)
    prompt_id = await client.post(quick(42, prefix="safelight/abc/image"))
    await client.running(prompt_id)
    await asyncio.sleep(0.05)
    (begun,) = await client.renderings()
    assert begun == {
        "prompt_id": prompt_id,
        "seed": 42,
        "text": "",
        "started": begun["started"],
        "finished": None,
        "file": None,
        "outcome": None,
    }
    await client.entry(prompt_id)
    (ended,) = await client.renderings()
    assert (ended["outcome"], ended["file"]) == ("success", "safelight/abc/image_00001_.png")
    assert ended["started"] == begun["started"] < ended["finished"]
    lines = (client.output.parent / "renderings.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [begun, ended]
