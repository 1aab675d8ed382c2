"""What validation says where the recordings do not show it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.asking import Client, Graph, quick


def changed(node: str, **inputs: Any) -> Graph:
    graph = quick()
    graph[node]["inputs"] |= inputs
    return graph


def cyclic() -> Graph:
    graph = changed("2", image=["4", 0])
    graph["4"] = {
        "class_type": "ImageBlur",
        "inputs": {"image": ["2", 0], "blur_radius": 1, "sigma": 1},
    }
    return graph


CASES: list[tuple[Graph, str, list[str]]] = [
    (changed("1", width=16385), "1", ["value_bigger_than_max"]),
    (changed("1", width=None), "1", ["invalid_input_type"]),
    (changed("1", width={"a": 1}), "1", ["invalid_input_type"]),
    (changed("2", strength="x"), "2", ["invalid_input_type"]),
    (changed("2", strength=1.01), "2", ["value_bigger_than_max"]),
    (changed("2", seed=float("inf")), "2", ["invalid_input_type"]),
    (changed("1", width=0, height=0), "1", ["value_smaller_than_min"] * 2),
    (changed("3", images=7), "3", []),
    (changed("3", images=[1, 0]), "3", ["exception_during_validation"]),
    (changed("3", images=["2", "x"]), "3", ["exception_during_validation"]),
    (changed("3", images=[]), "3", ["bad_linked_input"]),
]


@pytest.mark.parametrize(("graph", "node", "kinds"), CASES)
async def test_problems_are_named_at_their_node(
    client: Client, graph: Graph, node: str, kinds: list[str]
) -> None:
    status, body = await client.ask("POST", "/prompt", json={"prompt": graph})
    if not kinds:  # a literal where a link belongs passes, and fails when the node runs
        assert status == 200
        entry = await client.entry(body["prompt_id"])
        assert entry["status"]["messages"][-1][1]["node_id"] == node
        return
    assert (status, body["error"]["type"]) == (400, "prompt_outputs_failed_validation")
    assert [error["type"] for error in body["node_errors"][node]["errors"]] == kinds
    assert body["node_errors"][node]["dependent_outputs"] == ["3"]


async def test_a_cycle_fails_without_a_word(client: Client) -> None:
    status, body = await client.ask("POST", "/prompt", json={"prompt": cyclic()})
    assert (status, body["node_errors"]) == (400, {})
    assert body["error"]["type"] == "prompt_outputs_failed_validation"


async def test_literals_are_converted_in_place(client: Client) -> None:
    graph = changed("1", width=16.9, height="17")
    graph["2"]["inputs"]["seed"] = "1"
    kept = (await client.run(graph))["prompt"][2]
    assert kept["1"]["inputs"]["width"] == 16
    assert kept["1"]["inputs"]["height"] == 17
    assert kept["2"]["inputs"]["seed"] == 1


async def test_long_lists_are_not_repeated_in_the_error(client: Client) -> None:
    graph = quick()
    graph["4"] = {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "best"}}
    graph["3"]["inputs"]["filename_prefix"] = ["4", 0]
    _, body = await client.ask("POST", "/prompt", json={"prompt": graph})
    assert body["node_errors"]["3"]["errors"][0]["type"] == "return_type_mismatch"
    graph["5"] = {"class_type": "PreviewImage", "inputs": {"images": ["6", 0]}}
    graph["6"] = {"class_type": "VAEDecode", "inputs": {"samples": ["7", 0], "vae": ["7", 0]}}
    graph["7"] = {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {"sampler": ["4", 0]},
    }
    _, body = await client.ask("POST", "/prompt", json={"prompt": graph})
    (error,) = body["node_errors"]["4"]["errors"]
    assert error["details"] == "sampler_name: 'best' not in (list of length 42)"
    assert error["extra_info"]["input_config"] is None
    missing = [error["details"] for error in body["node_errors"]["7"]["errors"]]
    assert missing == ["noise", "guider", "sigmas", "latent_image"]
