"""What is found in the workflows that people have, and what is left alone because of doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from safelight.core.errors import Invalid
from safelight.core.graph import check_graph
from safelight.core.records import Graph
from safelight.core.slots import SLOT_NAMES, describe, find_slots
from tests.core import graphs
from tests.core.graphs import node

PLAIN = {
    "seed": "3.seed",
    "prompt": "6.text",
    "negative_prompt": "7.text",
    "width": "5.width",
    "height": "5.height",
    "steps": "3.steps",
    "cfg": "3.cfg",
    "sampler": "3.sampler_name",
    "scheduler": "3.scheduler",
    "checkpoint": "4.ckpt_name",
    "output": "9",
}
FLUX = {
    "seed": "25.noise_seed",
    "prompt": "6.text",
    "width": "27.width,30.width",
    "height": "27.height,30.height",
    "steps": "17.steps",
    "sampler": "16.sampler_name",
    "scheduler": "17.scheduler",
    "checkpoint": "12.unet_name",
    "output": "9",
}


def without(slots: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: slot for name, slot in slots.items() if name not in names}


EXPECTED: list[tuple[Callable[[], Graph], dict[str, str]]] = [
    (graphs.quick, {"seed": "2.seed", "width": "1.width", "height": "1.height", "output": "3"}),
    (graphs.sd15, PLAIN),
    (graphs.sd15_lora, PLAIN),
    (graphs.controlnet, PLAIN),
    (graphs.upscaler, PLAIN),
    (
        graphs.hires_fix,
        PLAIN
        | {
            "seed": "13.seed,3.seed",
            "cfg": "3.cfg,13.cfg",
            "sampler": "3.sampler_name,13.sampler_name",
            "scheduler": "3.scheduler,13.scheduler",
        },
    ),
    (
        graphs.sdxl,
        {
            "seed": "10.noise_seed",
            "prompt": "6.text_g,6.text_l,15.text",
            "negative_prompt": "7.text_g,7.text_l,16.text",
            "width": "5.width,15.width,16.width,6.width,6.target_width,7.width,7.target_width",
            "height": (
                "5.height,15.height,16.height,6.height,6.target_height,7.height,7.target_height"
            ),
            "cfg": "10.cfg,11.cfg",
            "sampler": "10.sampler_name,11.sampler_name",
            "scheduler": "10.scheduler,11.scheduler",
            "checkpoint": "4.ckpt_name",
            "output": "19",
        },
    ),
    (
        graphs.sd3,
        {
            "seed": "271.seed",
            "prompt": "6.text",
            "negative_prompt": "71.text",
            "width": "135.width",
            "height": "135.height",
            "steps": "271.steps",
            "cfg": "271.cfg",
            "sampler": "271.sampler_name",
            "scheduler": "271.scheduler",
            "checkpoint": "4.ckpt_name",
            "output": "9",
        },
    ),
    (graphs.flux, FLUX),
    (graphs.flux_cfg, FLUX | {"negative_prompt": "7.text", "cfg": "22.cfg"}),
    (graphs.flux_one_text, without(PLAIN, "negative_prompt")),
    (
        graphs.primitives,
        without(PLAIN, "height")
        | {"seed": "34.seed", "steps": "30.value", "prompt": "31.value", "width": "33.value"},
    ),
]


@pytest.mark.parametrize(("family", "expected"), EXPECTED, ids=[f.__name__ for f, _ in EXPECTED])
def test_found(family: Callable[[], Graph], expected: dict[str, str]) -> None:
    graph = check_graph(family())
    assert find_slots(graph, {}) == expected
    assert list(find_slots(graph, {})) == [name for name in SLOT_NAMES if name in expected]
    assert graph == family()


def test_every_family_is_in_the_table() -> None:
    assert {family for family, _ in EXPECTED} == set(graphs.FAMILIES)


def changed(graph: Graph, node_id: str, **inputs: Any) -> Graph:
    graph[node_id]["inputs"] |= inputs
    return graph


def regional() -> Graph:
    graph = changed(graphs.sd15(), "3", positive=["40", 0])
    graph["40"] = node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["41", 0])
    graph["41"] = node("CLIPTextEncode", text="a second region", clip=["4", 1])
    return graph


def test_two_different_texts_are_no_slot_but_a_note() -> None:
    report = describe(regional(), {})
    assert "prompt" in report.missing
    assert "name one of 6.text, 41.text" in " ".join(report.notes)
    assert describe(regional(), {"prompt": "41.text"}).notes == ()


def test_the_same_text_twice_is_one_slot() -> None:
    graph = changed(regional(), "41", text="beautiful scenery")
    assert find_slots(graph, {})["prompt"] == "6.text,41.text"


def test_one_text_by_two_ways_is_one_slot() -> None:
    graph = changed(regional(), "40", conditioning_2=["6", 0])
    assert find_slots(graph, {})["prompt"] == "6.text"


def test_a_text_that_is_computed_is_no_slot() -> None:
    graph = changed(graphs.sd15(), "6", text=["42", 0])
    graph["42"] = node("StringConcatenate", string_a=["43", 0], string_b="x", delimiter=", ")
    graph["43"] = node("PrimitiveString", value="a")
    report = describe(graph, {})
    assert "prompt" in report.missing
    assert "prompt is no slot: what was found is not one literal; name its input" in report.notes
    assert find_slots(graph, {"prompt": "43.value"})["prompt"] == "43.value"


@pytest.mark.parametrize(
    ("inputs", "place"),
    [
        ({"value": 5}, "30.value"),
        ({"value": 5, "note": "x"}, "30.value"),
        ({"value": 5, "max": 9}, "30.value"),
        ({"odd": 5}, "30.odd"),
        ({"low": 5, "high": 9}, None),
        ({"value": 5, "int": 9}, None),
        ({"value": "x"}, None),
        ({"value": True}, None),
        ({}, None),
    ],
)
def test_primitive_nodes(inputs: dict[str, Any], place: str | None) -> None:
    graph = changed(graphs.sd15(), "3", steps=["30", 0])
    graph["30"] = node("SomePrimitive", **inputs)
    assert find_slots(graph, {}).get("steps") == place


@pytest.mark.parametrize(
    "encoder",
    [
        {"clip_l": "a", "clip_g": "a", "t5xxl": "b"},
        {"clip_l": "a", "t5xxl": "b"},
        {"prompt": "a"},
    ],
)
def test_encoders_with_several_texts(encoder: dict[str, str]) -> None:
    graph = graphs.sd15()
    graph["6"] = node("SomeTextEncode", clip=["4", 1], **encoder)
    assert find_slots(graph, {})["prompt"] == ",".join(f"6.{name}" for name in encoder)


def test_a_loader_that_encodes_both_texts() -> None:
    graph = graphs.sd15()
    graph["40"] = node("Efficient Loader", ckpt_name="a.st", positive="cat", negative="dog")
    graph = changed(graph, "3", model=["40", 0], positive=["40", 1], negative=["40", 2])
    slots = find_slots(graph, {})
    assert slots["prompt"] == "40.positive"
    assert slots["negative_prompt"] == "40.negative"
    assert slots["checkpoint"] == "40.ckpt_name"


def test_a_pass_through_node_and_a_side_that_leads_nowhere() -> None:
    graph = changed(graphs.sd15(), "3", positive=["40", 0], negative=["41", 0])
    graph["40"] = node("Gate", anything=["6", 0], open=True)
    graph["41"] = node("LoadConditioning", name="saved")
    slots = find_slots(graph, {})
    assert slots["prompt"] == "6.text"
    assert "negative_prompt" not in slots


def test_a_zeroed_negative_has_no_text() -> None:
    graph = changed(graphs.sd15(), "3", negative=["40", 0])
    graph["40"] = node("ConditioningZeroOut", conditioning=["6", 0])
    report = describe(graph, {})
    assert "negative_prompt" in report.missing
    assert report.notes == ()


def test_image_to_image_without_a_size() -> None:
    graph = changed(graphs.sd15(), "3", latent_image=["40", 0])
    graph["40"] = node("VAEEncode", pixels=["41", 0], vae=["4", 2])
    graph["41"] = node("LoadImage", image="x.png")
    assert {"width", "height"}.isdisjoint(find_slots(graph, {}))


def test_merged_models_are_no_checkpoint() -> None:
    graph = changed(graphs.sd15(), "3", model=["40", 0])
    graph["40"] = node("ModelMergeSimple", model1=["4", 0], model2=["41", 0], ratio=0.5)
    graph["41"] = node("CheckpointLoaderSimple", ckpt_name="other.safetensors")
    report = describe(graph, {})
    assert "checkpoint" in report.missing
    assert "4.ckpt_name, 41.ckpt_name" in report.notes[0]


def test_split_schedules_keep_their_steps() -> None:
    report = describe(graphs.sdxl(), {})
    assert report.missing == ("steps",)
    assert report.notes == ("steps is no slot: node 11 starts or ends at a fixed step",)
    alone = changed(graphs.sdxl(), "17", samples=["10", 0])
    assert "node 10 starts or ends" in describe(alone, {}).notes[0]
    whole = changed(alone, "10", end_at_step=10000)
    assert find_slots(whole, {})["steps"] == "10.steps"
    assert find_slots(graphs.sdxl(), {"steps": "10.steps,11.steps"})["steps"] == "10.steps,11.steps"


def test_other_sizes_do_not_join() -> None:
    graph = changed(graphs.sdxl(), "6", width=4096, target_width=4096)
    assert "6.width" not in find_slots(graph, {})["width"].split(",")
    del graph["7"]["inputs"]["target_height"]
    assert "7.target_height" not in find_slots(graph, {})["height"]


def test_a_fixed_enlargement_is_told() -> None:
    assert "node 12 scales to a fixed size" in describe(graphs.hires_fix(), {}).notes[0]


def test_a_prompt_writer_is_no_sampler() -> None:
    graph = graphs.quick()
    graph["2"] = node("WritePrompt", model="gpt", seed=3, image=["1", 0])
    assert find_slots(graph, {})["seed"] == "2.seed"


def test_samplers_without_a_guider_or_noise() -> None:
    graph = changed(graphs.flux(), "13", noise=["50", 0])
    graph["50"] = node("DisableNoise")
    with pytest.raises(Invalid, match="no seed was found"):
        find_slots(graph, {})
    graph = graphs.sd15()
    del graph["3"]["inputs"]["positive"]
    assert "prompt" not in find_slots(graph, {})


def test_without_a_sampler_only_what_is_clear() -> None:
    graph = graphs.quick()
    graph["4"] = node("ImageScale", width=512, height=512, image=["2", 0])
    graph["3"]["inputs"]["images"] = ["4", 0]
    report = describe(graph, {})
    assert {"width", "height"} <= set(report.missing)
    changed(graph, "4", width=256, height=256)
    assert find_slots(graph, {})["width"] == "4.width,1.width"
    graph["5"] = node("ImageAddNoise", noise_seed=9, image=["4", 0])
    graph["3"]["inputs"]["images"] = ["5", 0]
    with pytest.raises(Invalid, match=r"candidates: 2\.seed, 5\.noise_seed") as caught:
        find_slots(graph, {})
    assert caught.value.errors[0].pointer == "/slots/seed"


def test_no_seed_at_all() -> None:
    graph = {"1": node("LoadImage", image="x.png"), "2": node("SaveImage", images=["1", 0])}
    with pytest.raises(Invalid, match="NODE") as caught:
        find_slots(graph, {})
    assert "candidates" not in caught.value.detail
