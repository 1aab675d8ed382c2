"""A workflow and a plan become one prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from safelight.core.filling import can_take_loras, fill
from safelight.core.graph import check_graph, graph_hash
from safelight.core.records import Graph, Lora, Plan
from safelight.core.slots import find_slots
from tests.core import graphs
from tests.core.graphs import node

ID = "20edc183-90d2-4901-af5c-eaad5b3c3f66"
LORAS = (Lora("a.safetensors", 0.8), Lora("sub/b.safetensors", -0.5))


def plan_for(graph: Graph, *, loras: tuple[Lora, ...] = (), **values: Any) -> Plan:
    named = values.pop("named", {})
    slots = find_slots(graph, named)
    return Plan("default", "w", graph_hash(graph), slots, values, loras)


def inputs_of(graph: Graph, node_id: str) -> dict[str, Any]:
    inputs: dict[str, Any] = graph[node_id]["inputs"]
    return inputs


@pytest.mark.parametrize("family", graphs.FAMILIES)
def test_filled_without_touching_the_workflow(family: Callable[[], Graph]) -> None:
    graph = family()
    loras = LORAS if can_take_loras(graph) else ()
    filled, folder = fill(graph, plan_for(graph, loras=loras), 42, ID)
    assert graph == family()
    assert folder == f"safelight/{ID}"
    check_graph(filled)
    assert find_slots(filled, {}).keys() >= {"seed", "output"}


def test_values_land_in_every_input_of_their_slot() -> None:
    graph = graphs.sdxl()
    plan = plan_for(graph, prompt="a fox", width=832, cfg=5.5, checkpoint="other.safetensors")
    filled, _ = fill(graph, plan, 2**53 - 1, ID)
    assert inputs_of(filled, "10")["noise_seed"] == 2**53 - 1
    assert inputs_of(filled, "11")["noise_seed"] == 0
    assert inputs_of(filled, "6")["text_g"] == inputs_of(filled, "6")["text_l"] == "a fox"
    assert inputs_of(filled, "15")["text"] == "a fox"
    assert inputs_of(filled, "7")["target_width"] == inputs_of(filled, "5")["width"] == 832
    assert inputs_of(filled, "5")["height"] == 1024
    assert inputs_of(filled, "4")["ckpt_name"] == "other.safetensors"
    assert inputs_of(filled, "12")["ckpt_name"] == "sd_xl_refiner_1.0.safetensors"


def test_two_attempts_differ_only_in_their_folder() -> None:
    graph = graphs.sd15()
    plan = plan_for(graph)
    first, _ = fill(graph, plan, 1, ID)
    second, _ = fill(graph, plan, 1, ID.replace("2", "3"))
    assert {key for key in first if first[key] != second[key]} == {"9"}
    assert inputs_of(first, "9")["filename_prefix"] == f"safelight/{ID}/image"


def test_nodes_that_do_not_change_are_shared() -> None:
    graph = graphs.sd15()
    filled, _ = fill(graph, plan_for(graph), 1, ID)
    assert filled["8"] is graph["8"]
    assert filled["3"] is not graph["3"]


def test_other_savers_get_folders_of_their_own() -> None:
    graph = graphs.two_outputs()
    graph["a b:5"] = graph.pop("5")
    filled, folder = fill(graph, plan_for(graph, named={"output": "3"}), 1, ID)
    assert folder == f"safelight/{ID}"
    prefix = inputs_of(filled, "a b:5")["filename_prefix"]
    assert prefix == f"safelight/{ID}/other-a_b_5/image"
    assert filled["6"] == graph["6"]


def test_an_output_without_a_prefix_gets_a_nonce() -> None:
    graph = graphs.quick()
    graph["3"] = node("MySaveImage", images=["2", 0])
    filled, folder = fill(graph, plan_for(graph), 1, ID)
    assert folder is None
    assert inputs_of(filled, "3") == {"images": ["2", 0], "safelight_nonce": ID}


def test_a_linked_prefix_is_replaced() -> None:
    graph = graphs.quick()
    graph["3"]["inputs"]["filename_prefix"] = ["4", 0]
    graph["4"] = node("PrimitiveString", value="x")
    filled, _ = fill(graph, plan_for(graph), 1, ID)
    assert inputs_of(filled, "3")["filename_prefix"] == f"safelight/{ID}/image"


def test_one_prompt_makes_one_image() -> None:
    graph = graphs.quick(4)
    filled, _ = fill(graph, plan_for(graph), 1, ID)
    assert inputs_of(filled, "1")["batch_size"] == 1


def test_loras_between_the_checkpoint_and_its_users() -> None:
    graph = graphs.sd15()
    filled, _ = fill(graph, plan_for(graph, loras=LORAS), 1, ID)
    assert filled["10"] == node(
        "LoraLoader",
        model=["4", 0],
        lora_name="a.safetensors",
        strength_model=0.8,
        clip=["4", 1],
        strength_clip=0.8,
    )
    assert inputs_of(filled, "11")["lora_name"] == "sub/b.safetensors"
    assert inputs_of(filled, "11")["model"] == ["10", 0]
    assert inputs_of(filled, "11")["clip"] == ["10", 1]
    assert inputs_of(filled, "3")["model"] == ["11", 0]
    assert inputs_of(filled, "6")["clip"] == inputs_of(filled, "7")["clip"] == ["11", 1]
    assert inputs_of(filled, "8")["vae"] == ["4", 2]


def test_existing_chains_are_kept() -> None:
    graph = graphs.sd15_lora()
    filled, _ = fill(graph, plan_for(graph, loras=LORAS), 1, ID)
    assert inputs_of(filled, "12")["model"] == ["4", 0]
    assert inputs_of(filled, "10")["model"] == ["13", 0]
    assert inputs_of(filled, "10")["clip"] == ["13", 1]
    assert inputs_of(filled, "11")["clip"] == ["10", 1]
    assert inputs_of(filled, "3")["model"] == ["10", 0]


def test_the_text_encoder_may_have_a_loader_of_its_own() -> None:
    for graph, model, clip in ((graphs.flux(), "12", "11"), (graphs.sd3(), "4", "11")):
        graph["99"] = node("CLIPVisionLoader", clip_name="vision.safetensors")
        filled, _ = fill(graph, plan_for(graph, loras=LORAS[:1]), 1, ID)
        new = str(max(int(key) for key in graph) + 1)
        assert filled[new]["class_type"] == "LoraLoader"
        assert inputs_of(filled, new)["model"] == [model, 0]
        assert inputs_of(filled, new)["clip"] == [clip, 0]
        assert inputs_of(filled, "6")["clip"] == [new, 1]


@pytest.mark.parametrize("loaders", [0, 2])
def test_without_one_text_encoder_only_the_model_is_changed(loaders: int) -> None:
    graph = graphs.flux_cfg()
    del graph["11"]
    for number, text in enumerate(("6", "7")):
        if loaders:
            graph[f"clip{number}"] = node("CLIPLoader", clip_name="a", type="flux")
            graph[text]["inputs"]["clip"] = [f"clip{number}", 0]
        else:
            del graph[text]["inputs"]["clip"]
    filled, _ = fill(graph, plan_for(graph, loras=LORAS), 1, ID)
    assert filled["31"]["class_type"] == filled["32"]["class_type"] == "LoraLoaderModelOnly"
    assert inputs_of(filled, "32") == {
        "model": ["31", 0],
        "lora_name": "sub/b.safetensors",
        "strength_model": -0.5,
    }
    assert inputs_of(filled, "30")["model"] == ["32", 0]


def test_only_the_base_takes_loras() -> None:
    graph = graphs.sdxl()
    filled, _ = fill(graph, plan_for(graph, loras=LORAS[:1]), 1, ID)
    assert inputs_of(filled, "10")["model"] == ["20", 0]
    assert inputs_of(filled, "11")["model"] == ["12", 0]


def test_node_ids_that_are_no_numbers_do_not_collide() -> None:
    graph = graphs.sd15()
    graph["57:8"] = node("Note")
    graph["٣٤"] = node("Note")
    filled, _ = fill(graph, plan_for(graph, loras=LORAS[:1]), 1, ID)
    assert set(filled) - set(graph) == {"10"}


def test_who_can_take_loras() -> None:
    assert not can_take_loras(graphs.quick())
    assert not can_take_loras(graphs.sdxl())
    assert can_take_loras(graphs.sdxl(), find_slots(graphs.sdxl(), {}))
    assert can_take_loras(graphs.sd15())
    named = graphs.sd15()
    named["4"]["inputs"]["ckpt_name"] = ["30", 0]
    named["30"] = node("PrimitiveString", value="x.safetensors")
    assert can_take_loras(named, find_slots(named, {}))
    assert not can_take_loras(named, {"checkpoint": "8.samples"})


def test_a_plan_of_another_workflow_is_an_error() -> None:
    graph = graphs.quick()
    plan = plan_for(graph, loras=LORAS)
    with pytest.raises(KeyError):
        fill(graph, plan, 1, ID)
    with pytest.raises(KeyError):
        fill(graph, plan_for(graph, prompt="no slot"), 1, ID)
