"""Accidents on order."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from PIL import Image

from safelight.simulator.faults import NAMES, Faults
from tests.simulator.asking import (
    Client,
    cached_of,
    eventually,
    files_of,
    frames_until_silence,
    quick,
    until_end,
)
from tests.simulator.conftest import Start


async def struck(client: Client) -> dict[str, int]:
    """The faults that took effect."""
    counts: dict[str, int] = await client.get("/simulator/faults")
    assert list(counts) == list(NAMES)
    return {name: count for name, count in counts.items() if count}


async def test_without_faults_none_strikes(client: Client) -> None:
    await client.run(quick())
    assert await struck(client) == {}


async def test_slow_takes_five_times_as_long(simulate: Start) -> None:
    client = await simulate(seconds=0.1, faults={"slow": 1})
    await client.run(quick())
    (rendering,) = await client.renderings()
    assert 0.5 <= rendering["finished"] - rendering["started"] < 0.9
    assert await struck(client) == {"slow": 1}


async def test_lose_history_forgets_the_entry_only(simulate: Start) -> None:
    client = await simulate(faults={"lose-history": 1})
    prompt_id = await client.post(quick())
    await client.idle()
    assert await client.get(f"/history/{prompt_id}") == {}
    (rendering,) = await client.renderings()
    assert (rendering["outcome"], rendering["prompt_id"]) == ("success", prompt_id)
    assert (client.output / rendering["file"]).exists()


async def test_oom_fails_as_the_contract_shows(simulate: Start) -> None:
    client = await simulate(faults={"oom": 1})
    entry = await client.run(quick())
    event, told = entry["status"]["messages"][-1]
    assert (event, told["exception_type"]) == ("execution_error", "torch.OutOfMemoryError")
    assert "This error means you ran out of memory on your GPU." in told["exception_message"]
    assert files_of(entry) == []
    assert (await client.renderings())[0]["outcome"] == "error"


async def test_truncate_leaves_half_a_file(simulate: Start) -> None:
    client = await simulate(faults={"truncate": 1})
    (file,) = await client.saved(quick())
    with pytest.raises(OSError), Image.open(file) as picture:
        picture.load()
    await client.ask("POST", "/simulator/faults", json={"truncate": 0})
    (whole,) = await client.saved(quick(prefix="u"))
    assert abs(file.stat().st_size - whole.stat().st_size // 2) < 50


async def test_cached_duplicate_answers_with_the_prompt_before(simulate: Start) -> None:
    client = await simulate(faults={"cached-duplicate": 1})
    first = await client.run(quick(1))  # nothing came before it
    async with client.socket("c") as ws:
        prompt_id = await client.post(quick(2, prefix="other"), client_id="c")
        frames = await until_end(ws, prompt_id)
    second = await client.entry(prompt_id)
    assert files_of(second) == files_of(first) == ["t_00001_.png"]
    assert cached_of(second) == {"1", "2", "3"}
    assert [frame["type"] for frame in frames if frame["type"] == "executed"] == ["executed"]
    assert [rendering["outcome"] for rendering in await client.renderings()] == [
        "success",
        "cached",
    ]
    assert await struck(client) == {"cached-duplicate": 1}


async def test_reject_answers_400_and_runs_nothing(simulate: Start) -> None:
    client = await simulate(faults={"reject": 1})
    status, body = await client.ask("POST", "/prompt", json={"prompt": quick()})
    assert (status, body["node_errors"]) == (400, {})
    assert await client.renderings() == []
    assert await struck(client) == {"reject": 1}


async def test_zombie_runs_for_ever_while_http_answers(simulate: Start) -> None:
    client = await simulate(faults={"zombie": 1})
    prompt_id, behind = await client.post(quick()), await client.post(quick(2))
    await eventually(lambda: struck(client))
    await client.ask("POST", "/interrupt", json={"prompt_id": prompt_id})
    await asyncio.sleep(0.1)
    queue = await client.get("/queue")
    assert [item[1] for item in queue["queue_running"]] == [prompt_id]
    assert [item[1] for item in queue["queue_pending"]] == [behind]
    (rendering,) = await client.renderings()
    assert (rendering["outcome"], rendering["finished"]) == (None, None)


async def test_drop_websocket_breaks_all_sockets_in_the_middle(simulate: Start) -> None:
    client = await simulate(seconds=0.2, faults={"drop-websocket": 1})
    async with client.socket("a") as one, client.socket("b") as other:
        prompt_id = await client.post(quick(), client_id="a")
        kinds = [await _last_words(ws) for ws in (one, other)]
        assert "execution_success" not in kinds[0]
        assert (await client.entry(prompt_id))["status"]["completed"]
    async with client.socket("a"):
        pass


async def test_deaf_websocket_goes_on_in_silence(simulate: Start) -> None:
    client = await simulate(seconds=0.1, faults={"deaf-websocket": 1})
    async with client.socket("a") as ws:
        await client.run(quick(), client_id="a")
        heard = await frames_until_silence(ws, 0.2)
        assert "execution_success" not in [frame["type"] for frame in heard]
        await client.ask("POST", "/simulator/faults", json={"deaf-websocket": 0})
        await client.run(quick(2), client_id="a")
        assert await frames_until_silence(ws, 0.2) == []
    async with client.socket("a") as ws:
        await until_end(ws, await client.post(quick(3), client_id="a"))


async def test_refuse_closes_the_port_for_a_second(simulate: Start) -> None:
    """Connections that stand go on; the prompt is not disturbed."""
    client = await simulate(seconds=0.05, faults={"refuse": 1})
    async with client.socket("a") as ws:
        frames = await until_end(ws, await client.post(quick(), client_id="a"))
        assert "execution_success" in [frame["type"] for frame in frames]
    assert 0.5 < await _away(client) < 1.5


async def test_restart_and_refuse_at_once_come_back_once(simulate: Start) -> None:
    client = await simulate(seconds=0.02, faults={"restart": 1, "refuse": 1, "drop-websocket": 1})
    await client.post(quick())
    await asyncio.sleep(0.1)
    assert await _away(client) > 0.5
    assert await struck(client) == {"restart": 1, "refuse": 1, "drop-websocket": 1}


async def test_restart_forgets_everything_but_the_files(simulate: Start) -> None:
    client = await simulate(seconds=0.05)
    (kept,) = await client.saved(quick(1))
    await client.ask("POST", "/simulator/faults", json={"restart": 1})
    async with client.socket("a") as ws:
        lost = await client.post(quick(2), client_id="a")
        await _last_words(ws)
    assert 0.5 < await _away(client) < 1.5
    await client.ask("POST", "/simulator/faults", json={"restart": 0})
    assert await client.get("/queue") == {"queue_running": [], "queue_pending": []}
    assert await client.get("/history") == {}
    assert kept.exists()
    status, body = await client.ask("POST", "/prompt", json={"prompt": quick(1)})
    assert (status, body["number"]) == (200, 0)
    assert cached_of(await client.entry(body["prompt_id"])) == set()
    outcomes = [rendering["outcome"] for rendering in await client.renderings()]
    assert outcomes == ["success", None, "success"]
    assert (await client.renderings())[1]["prompt_id"] == lost
    assert await struck(client) == {"restart": 1}


async def test_cached_prompts_have_no_middle_for_a_fault_to_strike(simulate: Start) -> None:
    client = await simulate(faults={})
    await client.run(quick())
    await client.ask("POST", "/simulator/faults", json={"zombie": 1, "oom": 1, "truncate": 1})
    assert (await client.run(quick()))["status"]["completed"]
    assert await struck(client) == {}


BAD = [{"nope": 1}, {"oom": 1.5}, {"oom": -0.1}, {"oom": "1"}, {"oom": True}, {"oom": None}, 7]


@pytest.mark.parametrize("changes", BAD)
async def test_faults_that_make_no_sense_are_refused(client: Client, changes: Any) -> None:
    status, body = await client.ask("POST", "/simulator/faults", json=changes)
    assert status == 400
    assert body["error"]


def test_the_seed_decides_which_renderings_are_struck() -> None:
    def drawn(seed: str | None) -> list[set[str]]:
        faults = Faults({"oom": 0.5, "slow": 0.1}, seed)
        return [faults.draw() for _ in range(200)]

    assert drawn("1") == drawn("1")
    assert drawn("1") != drawn("2")
    assert drawn(None) != drawn(None)
    assert 60 < sum("oom" in names for names in drawn("1")) < 140


async def _last_words(ws: aiohttp.ClientWebSocketResponse) -> list[str]:
    """The kinds of frames until the connection breaks."""
    kinds = []
    async with asyncio.timeout(5):
        while (message := await ws.receive()).type is aiohttp.WSMsgType.TEXT:
            kinds.append(message.json()["type"])
    assert ws.close_code == 1006
    return kinds


async def _away(client: Client) -> float:
    """Seconds until a new connection is taken."""
    start = time.monotonic()
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.timeout(5):
        while True:
            try:
                await http.get(f"{client.url}/prompt")
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.02)
            else:
                return time.monotonic() - start
