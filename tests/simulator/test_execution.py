"""Which nodes run, what the cache spares, how prompts end, and what kills the worker."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest
from PIL import Image

from safelight.simulator.queueing import PromptQueue
from tests.simulator.asking import (
    Client,
    Graph,
    cached_of,
    eventually,
    files_of,
    pixels,
    quick,
    sleeper,
    until_end,
)

Capture = pytest.CaptureFixture[str]


def renumbered(graph: Graph) -> Graph:
    """The same graph under other node ids."""
    text = json.dumps(graph)
    for node in graph:
        text = text.replace(f'"{node}":', f'"{node}0":').replace(f'["{node}",', f'["{node}0",')
    found: Graph = json.loads(text)
    return found


def with_nonce(graph: Graph, nonce: str) -> Graph:
    """The same graph with an input that SaveImage does not know."""
    graph["3"]["inputs"]["nonce"] = nonce
    return graph


def titled(graph: Graph) -> Graph:
    """The same graph with a title, which is not part of any key."""
    graph["3"]["_meta"] = {"title": "other"}
    return graph


CACHED = [
    ("identical", [quick(1), quick(1)], {"1", "2", "3"}, "t_00001_.png"),
    ("titled", [quick(1), titled(quick(1))], {"1", "2", "3"}, "t_00001_.png"),
    ("other prefix", [quick(1), quick(1, prefix="u")], {"1", "2"}, "u_00001_.png"),
    ("other seed", [quick(1), quick(2)], {"1"}, "t_00002_.png"),
    ("A B A", [quick(1), quick(2), quick(1)], {"1"}, "t_00003_.png"),
    ("nonce", [quick(1), with_nonce(quick(1), "row-17")], {"1", "2"}, "t_00002_.png"),
    ("renumbered", [quick(1), renumbered(quick(1))], {"10", "20", "30"}, "t_00001_.png"),
]


@pytest.mark.parametrize(
    ("graphs", "cached", "file"), [row[1:] for row in CACHED], ids=[row[0] for row in CACHED]
)
async def test_the_cache_spares_what_the_last_prompt_made(
    client: Client, graphs: list[Graph], cached: set[str], file: str
) -> None:
    for graph in graphs:
        entry = await client.run(graph)
    assert cached_of(entry) == cached
    assert files_of(entry) == [file]
    outcome = "cached" if len(cached) == 3 else "success"
    last = (await client.renderings())[-1]
    assert (last["outcome"], last["file"]) == (outcome, file)


async def test_a_cached_success_names_the_old_file_even_when_it_is_gone(client: Client) -> None:
    (file,) = await client.saved(quick())
    file.unlink()
    entry = await client.run(renumbered(quick()))
    assert files_of(entry) == [file.name]
    assert entry["meta"]["30"]["node_id"] == "3"  # the node that made it, not the one that asked
    assert (await client.ask("GET", f"/view?filename={file.name}"))[0] == 404


async def test_free_memory_empties_the_cache_and_unloading_models_does_not(client: Client) -> None:
    await client.run(quick())
    await client.ask("POST", "/free", json={"unload_models": True})
    await client.ask("POST", "/history", json={"clear": True})
    assert len(cached_of(await client.run(quick()))) == 3
    await client.ask("POST", "/free", json={"free_memory": True})
    await asyncio.sleep(0.05)
    assert cached_of(await client.run(quick())) == set()


async def test_two_equal_branches_report_one_file(client: Client) -> None:
    graph = quick()
    graph["4"] = {"class_type": "SaveImage", "inputs": dict(graph["3"]["inputs"])}
    entry = await client.run(graph)
    assert files_of(entry) == ["t_00001_.png"] * 2
    assert len(list(client.output.iterdir())) == 1


async def test_equal_pixels_in_files_that_differ(client: Client) -> None:
    """The prompt is in the file, so the same picture under another prefix has another hash."""
    (one,) = await client.saved(quick(1, prefix="a"))
    (other,) = await client.saved(quick(1, prefix="b"))
    assert pixels(one) == pixels(other)
    assert one.read_bytes() != other.read_bytes()


async def test_the_file_carries_the_graph_and_what_the_owner_added(client: Client) -> None:
    extra = {"safelight": {"index": 3}, "workflow": [1]}
    (file,) = await client.saved(quick(), extra_data={"extra_pnginfo": extra})
    with Image.open(file) as picture:
        texts = {name: json.loads(text) for name, text in picture.text.items()}  # type: ignore[attr-defined]
    assert texts == {"prompt": quick(), **extra}


async def test_a_batch_is_one_prompt_with_many_files(client: Client) -> None:
    batch = await client.saved(quick(7, prefix="b", batch_size=3))
    (single,) = await client.saved(quick(7, prefix="s"))
    (following,) = await client.saved(quick(8, prefix="s"))
    assert [path.name for path in batch] == [f"b_0000{n}_.png" for n in (1, 2, 3)]
    assert pixels(batch[0]) == pixels(single)
    assert len({pixels(path) for path in (*batch, following)}) == 4


async def test_of_two_outputs_the_first_ready_one_is_saved_first(lab: Client) -> None:
    """The lowest node runs first, but an output that is ready goes before all others."""
    graph = sleeper(0.0, seed=1)
    graph["5"] = json.loads(json.dumps(sleeper(0.0, seed=2)["1"]))
    graph["6"] = {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "z"}}
    async with lab.socket("c") as ws:
        frames = await until_end(ws, await lab.post(graph, client_id="c"))
    ran = [frame["data"]["node"] for frame in frames if frame["type"] == "executing"]
    assert ran == ["1", "3", "5", "6", None]


async def test_previews_are_temporary_and_count_by_themselves(client: Client) -> None:
    graph = quick()
    graph["4"] = {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}}
    entry = await client.run(graph)
    (shown,) = entry["outputs"]["4"]["images"]
    assert (shown["type"], shown["filename"][:13]) == ("temp", "ComfyUI_temp_")
    assert shown["filename"].endswith("_00001_.png")
    assert (await client.renderings())[-1]["file"] == "t_00001_.png"
    status, content = await client.ask("GET", f"/view?filename={shown['filename']}&type=temp")
    assert (status, content[:4]) == (200, b"\x89PNG")


def raising(kind: str) -> Graph:
    graph = quick()
    graph["5"] = {
        "class_type": "LabRaise",
        "inputs": {"image": ["2", 0], "kind": kind, "message": "boom"},
    }
    graph["3"]["inputs"]["images"] = ["5", 0]
    return graph


async def test_a_node_that_raises_nothing_hands_on(lab: Client) -> None:
    assert len(await lab.saved(raising("none"))) == 1


@pytest.mark.parametrize("extra", ["text", ["a"], {"extra_pnginfo": "ab"}])
async def test_unusual_extra_data_is_an_error_of_the_saving_node(
    client: Client, extra: Any
) -> None:
    entry = await client.run(quick(), extra_data=extra)
    event, told = entry["status"]["messages"][-1]
    assert (event, told["node_id"]) == ("execution_error", "3")
    assert entry["prompt"][3] == extra


async def test_secrets_are_in_the_queue_and_not_in_the_history(lab: Client) -> None:
    secret = {"api_key_comfy_org": "s", "auth_token_comfy_org": "t", "kept": 1}
    prompt_id = await lab.post(sleeper(0.5), extra_data=secret)
    await lab.running(prompt_id)
    assert (await lab.get("/queue"))["queue_running"][0][3] == secret
    assert (await lab.entry(prompt_id))["prompt"][3] == {"kept": 1}


def with_node(node: dict[str, Any]) -> Graph:
    """A good graph and a node that nothing is linked to."""
    return {**quick(), "9": node}


POISON: list[tuple[Graph, dict[str, Any]]] = [
    (with_node({"class_type": "VAELoader"}), {}),
    (with_node({"class_type": "VAELoader", "inputs": None}), {}),
    (with_node({"class_type": "SaveImage"}), {}),
    (quick(), {"extra_data": None}),
    (quick(), {"extra_data": "a text with client_id in it"}),
    (raising("KeyboardInterrupt"), {}),
    (raising("SystemExit"), {}),
]


@pytest.mark.parametrize(("graph", "more"), POISON)
async def test_poison_kills_the_worker_and_http_answers_on(
    lab: Client, graph: Graph, more: dict[str, Any], capsys: Capture
) -> None:
    """Accepted with 200; then it runs for ever, and nothing behind it ever does."""
    poison = await lab.post(graph, **more)
    behind = await lab.post(quick(5))
    await lab.running(poison)
    await _died(capsys)
    await lab.ask("POST", "/interrupt", json={})
    await asyncio.sleep(0.1)
    queue = await lab.get("/queue")
    assert [item[1] for item in queue["queue_running"]] == [poison]
    assert [item[1] for item in queue["queue_pending"]] == [behind]
    assert await lab.get("/history") == {}


async def _died(capsys: Capture) -> None:
    """Until the worker's thread has said its last words."""

    async def says() -> bool:
        return "Traceback" in capsys.readouterr().err

    await eventually(says)


async def test_three_items_with_the_same_number_and_id_kill_the_worker(
    lab: Client, capsys: Capture
) -> None:
    """The heap compares dicts: 500 although enqueued, and one is lost when the next is taken."""
    first = await lab.post(sleeper(0.5))
    await lab.running(first)
    codes = []
    for seed in (1, 2, 3, 4):
        body = {"prompt": quick(seed), "prompt_id": "same", "number": 5}
        codes.append((await lab.ask("POST", "/prompt", json=body))[0])
    assert codes == [200, 500, 500, 500]
    await lab.entry(first)
    await _died(capsys)
    queue = await lab.get("/queue")
    assert queue["queue_running"] == []
    assert len(queue["queue_pending"]) == 3
    assert len(await lab.get("/history")) == 1


async def test_harmless_oddities_run(client: Client) -> None:
    dangling = quick()
    dangling["9"] = {"class_type": "ImageBlur", "inputs": {"image": ["77", 0], "sigma": 1.0}}
    assert len(await client.saved(dangling)) == 1
    for number in (float("nan"), float("inf")):
        body = json.dumps({"prompt": quick(3), "number": number})
        status, answer = await client.ask("POST", "/prompt", data=body)
        assert (status, type(answer["number"])) == (200, float)
        await client.idle()


async def test_an_interrupt_between_nodes_takes_effect_before_the_next(lab: Client) -> None:
    """A node without progress finishes first."""
    graph = quick()
    graph["4"] = {"class_type": "LabSleepBlind", "inputs": {"image": ["2", 0], "seconds": 0.8}}
    graph["3"]["inputs"]["images"] = ["4", 0]
    async with lab.socket("c") as ws:
        prompt_id = await lab.post(graph, client_id="c")
        while (frame := await ws.receive_json())["data"].get("node") != "4":
            assert frame["type"] != "execution_success"
        await lab.ask("POST", "/interrupt", json={"prompt_id": prompt_id})
        entry = await lab.entry(prompt_id)
    event, told = entry["status"]["messages"][-1]
    assert (event, told["node_id"], told["executed"]) == (
        "execution_interrupted",
        "3",
        ["1", "2", "4"],
    )
    assert entry["status"]["completed"] is False
    assert (await lab.renderings())[-1]["outcome"] == "interrupted"


async def test_an_interrupt_while_idle_is_forgotten(client: Client) -> None:
    await client.ask("POST", "/interrupt", json={})
    assert len(await client.saved(quick())) == 1


async def test_a_storm_of_targeted_interrupts_hits_no_neighbour(client: Client) -> None:
    """Of each pair the first is to be stopped; the second must live, whenever the order came."""
    neighbours = []
    for seed in range(150):
        target, neighbour = str(uuid.uuid4()), str(uuid.uuid4())
        await client.post(quick(2 * seed, 32, "storm"), prompt_id=target)
        neighbours.append(await client.post(quick(2 * seed + 1, 32, "storm"), prompt_id=neighbour))
        await client.ask("POST", "/interrupt", json={"prompt_id": target})
    await client.idle()
    outcomes = {r["prompt_id"]: r["outcome"] for r in await client.renderings()}
    assert len(outcomes) == 300
    assert {outcomes[prompt_id] for prompt_id in neighbours} == {"success"}
    assert set(outcomes.values()) <= {"success", "interrupted"}


def test_history_keeps_ten_thousand_and_one() -> None:
    """The limit is tested before the insertion."""
    queue = PromptQueue(lambda: None)
    ids = [f"{number:05}" for number in range(10_005)]
    for number, prompt_id in enumerate(ids):
        queue.put((number, prompt_id, {}, {}, []))
        item = queue.take()
        assert item is not None
        queue.finish(item, {"outputs": {}})
    assert list(queue.history(None, -1)) == ids[4:]
    assert list(queue.history(2, -1)) == ids[-2:]
    assert list(queue.history(2, 0)) == ids[4:6]
    assert queue.history(0, -1) == queue.history(-1, -1) == {}
