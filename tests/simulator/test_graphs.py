"""Graphs of every kind: which picture they mean, and what the oracle tells of them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from safelight.simulator.caching import keys_of
from safelight.simulator.catalog import catalog_of
from safelight.simulator.folders import Folders
from safelight.simulator.graphs import Agenda
from safelight.simulator.meaning import MEANINGS, sketched
from safelight.simulator.models import models_of
from tests.simulator.asking import Client, pixels, quick
from tests.simulator.conftest import Start
from tests.simulator.test_sockets import portrait

Graph = dict[str, Any]


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    """One node; a tuple is a link."""
    given = {name: list(v) if isinstance(v, tuple) else v for name, v in inputs.items()}
    return {"class_type": kind, "inputs": given}


def sdxl() -> Graph:
    """Two texts, a LoRA chain, a skipped layer, the advanced sampler, a batch of two."""
    sizes = dict.fromkeys(
        ("width", "height", "crop_w", "crop_h", "target_width", "target_height"), 1024
    )
    texts = {"text_g": "a diver", "text_l": "blue light"}
    lora = {"lora_name": "gothic.safetensors", "strength_model": 0.8, "strength_clip": 1}
    only = {"lora_name": "opal.safetensors", "strength_model": 0.5}
    graph = portrait()
    graph["10"] = node("LoraLoader", model=("4", 0), clip=("4", 1), **lora)
    graph["11"] = node("LoraLoaderModelOnly", model=("10", 0), **only)
    graph["12"] = node("CLIPSetLastLayer", clip=("10", 1), stop_at_clip_layer=-2)
    graph["6"] = node("CLIPTextEncodeSDXL", clip=("12", 0), **sizes, **texts)
    sampler = {**graph["3"]["inputs"], "model": ("11", 0), "noise_seed": 5, "start_at_step": 0}
    sampler |= {"add_noise": "enable", "return_with_leftover_noise": "disable", "end_at_step": 20}
    del sampler["seed"], sampler["denoise"]
    graph["3"] = node("KSamplerAdvanced", **sampler)
    graph["5"]["inputs"]["batch_size"] = 2
    return graph


def flux() -> Graph:
    """The custom sampler with noise, guider and sigmas of their own."""
    size = {"width": 128, "height": 96}
    clips = {"clip_name1": "t5xxl_fp16.safetensors", "clip_name2": "clip_l.safetensors"}
    shifts = {"max_shift": 1.15, "base_shift": 0.5}
    schedule = {"scheduler": "simple", "steps": 4, "denoise": 1}
    sources = {"noise": ("8", 0), "guider": ("7", 0), "sampler": ("9", 0), "sigmas": ("10", 0)}
    return {
        "1": node("UNETLoader", unet_name="flux1-dev.safetensors", weight_dtype="default"),
        "2": node("DualCLIPLoader", type="flux", **clips),
        "3": node("VAELoader", vae_name="ae.safetensors"),
        "4": node("ModelSamplingFlux", model=("1", 0), **shifts, **size),
        "5": node("CLIPTextEncode", text="a lamp", clip=("2", 0)),
        "6": node("FluxGuidance", conditioning=("5", 0), guidance=3.5),
        "7": node("BasicGuider", model=("4", 0), conditioning=("6", 0)),
        "8": node("RandomNoise", noise_seed=5),
        "9": node("KSamplerSelect", sampler_name="euler"),
        "10": node("BasicScheduler", model=("4", 0), **schedule),
        "11": node("EmptySD3LatentImage", batch_size=1, **size),
        "12": node("SamplerCustomAdvanced", latent_image=("11", 0), **sources),
        "13": node("VAEDecode", samples=("12", 1), vae=("3", 0)),
        "14": node("SaveImage", images=("13", 0), filename_prefix="f"),
    }


def sd3() -> Graph:
    """Three text encoders, combined texts, a guider with a negative, scaled and blurred after."""
    names = ("clip_g.safetensors", "clip_l.safetensors", "t5xxl_fp16.safetensors")
    clips = {f"clip_name{place}": name for place, name in enumerate(names, 1)}
    scale = {"upscale_method": "area", "width": 64, "height": 0, "crop": "disabled"}
    texts = {"conditioning_1": ("5", 0), "conditioning_2": ("21", 0)}
    graph = flux()
    graph["2"] = node("TripleCLIPLoader", **clips)
    graph["4"] = node("ModelSamplingSD3", model=("1", 0), shift=3)
    graph["20"] = node("CLIPLoader", clip_name=names[1], type="sd3", device="cpu")
    graph["21"] = node("CLIPTextEncode", text="at night", clip=("20", 0))
    graph["6"] = node("ConditioningCombine", **texts)
    graph["7"] = node("CFGGuider", model=("4", 0), positive=("6", 0), negative=("21", 0), cfg=4)
    graph["22"] = node("ImageScale", image=("13", 0), **scale)
    graph["23"] = node("ImageBlur", image=("22", 0), blur_radius=2, sigma=1)
    graph["14"] = node("SaveImage", images=("23", 0), filename_prefix="f")
    return graph


KINDS = [
    (portrait, 5, "a diver", (128, 192), 1),
    (sdxl, 5, "a diver\nblue light", (128, 192), 2),
    (flux, 5, "a lamp", (128, 96), 1),
    (sd3, 5, "a lamp\nat night", (64, 48), 1),
]


@pytest.mark.parametrize(("kind", "seed", "text", "size", "count"), KINDS)
async def test_every_family_of_graphs_is_drawn(
    simulate: Start, kind: Any, seed: int, text: str, size: tuple[int, int], count: int
) -> None:
    client = await simulate(seconds=0.02, steps=4)
    files = await client.saved(kind())
    assert len({pixels(file) for file in files}) == count
    with Image.open(files[0]) as picture:
        assert picture.size == size
    (rendering,) = await client.renderings()
    assert (rendering["seed"], rendering["text"]) == (seed, text)


async def test_what_a_real_picture_does_not_depend_on_changes_no_pixel(client: Client) -> None:
    """Nor do steps, checkpoints and LoRAs here: text, seed and size alone decide."""
    (one,) = await client.saved(portrait())
    other = copy.deepcopy(portrait())
    other["3"]["inputs"] |= {"steps": 30, "cfg": 3.0, "sampler_name": "heun"}
    other["9"]["inputs"]["filename_prefix"] = "elsewhere/x"
    (two,) = await client.saved(other, extra_data={"extra_pnginfo": {"index": 4}})
    assert pixels(one) == pixels(two)
    for node, name, value in (("3", "seed", 6), ("6", "text", "a cook"), ("5", "width", 136)):
        changed = copy.deepcopy(portrait())
        changed[node]["inputs"][name] = value
        (file,) = await client.saved(changed)
        assert pixels(file) != pixels(one)


async def test_a_picture_can_be_sampled_over(client: Client) -> None:
    """Picture to picture: another source gives another result under the same seed."""
    found = set()
    for color in ("#112233", "#445566"):
        Image.new("RGB", (80, 64), color).save(client.output.parent / "input" / f"{color[1:]}.png")
        graph = portrait()
        graph["1"] = {"class_type": "LoadImage", "inputs": {"image": f"{color[1:]}.png"}}
        graph["5"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0], "vae": ["4", 2]}}
        (file,) = await client.saved(graph)
        found.add(pixels(file))
    assert len(found) == 2


async def test_two_samplers_share_the_time(simulate: Start) -> None:
    client = await simulate(seconds=0.2, steps=3)
    graph = portrait()
    graph["30"] = copy.deepcopy(graph["3"])
    graph["30"]["inputs"] |= {"latent_image": ["3", 0], "denoise": 0.5}
    graph["8"]["inputs"]["samples"] = ["30", 0]
    (twice,) = await client.saved(graph)
    (rendering,) = await client.renderings()
    assert 0.2 <= rendering["finished"] - rendering["started"] < 0.38
    (once,) = await client.saved(portrait())
    assert pixels(once) != pixels(twice)


SCALES = [((0, 0), (64, 64)), ((32, 0), (32, 32)), ((0, 16), (16, 16)), ((20, 10), (20, 10))]


@pytest.mark.parametrize(("asked", "size"), SCALES)
async def test_a_side_of_zero_follows_the_other(
    client: Client, asked: tuple[int, int], size: tuple[int, int]
) -> None:
    graph = quick()
    inputs = {"upscale_method": "area", "width": asked[0], "height": asked[1], "crop": "disabled"}
    graph["4"] = {"class_type": "ImageScale", "inputs": {"image": ["2", 0], **inputs}}
    graph["3"]["inputs"]["images"] = ["4", 0]
    (file,) = await client.saved(graph)
    with Image.open(file) as picture:
        assert picture.size == size


async def test_a_plain_sheet_has_no_seed(client: Client) -> None:
    graph = quick()
    graph["3"]["inputs"]["images"] = ["1", 0]
    (file,) = await client.saved(graph)
    with Image.open(file) as picture:
        assert picture.getcolors() == [(64 * 64, (0x33, 0x66, 0x99))]
    assert (await client.renderings())[0]["seed"] == 0


async def test_what_cannot_be_sketched_still_begins(client: Client) -> None:
    """A cycle is refused, but a file that vanished is found out only when it is loaded."""
    path = client.output.parent / "input" / "gone.png"
    path.write_bytes(b"no picture")
    graph = quick()
    graph["1"] = {"class_type": "LoadImage", "inputs": {"image": "gone.png"}}
    entry = await client.run(graph)
    assert entry["status"]["messages"][-1][1]["node_type"] == "LoadImage"
    assert (await client.renderings())[0]["outcome"] == "error"


def test_every_class_has_a_meaning() -> None:
    assert set(catalog_of(models_of(True), True, False)) == set(MEANINGS)


def test_a_graph_that_is_none_has_no_sketch(tmp_path: Path) -> None:
    folders = Folders.under(tmp_path, 1, None)
    cycle = {"1": {"class_type": "VAEDecode", "inputs": {"samples": ["1", 0], "vae": 1}}}
    assert sketched(cycle, "1", folders) is None
    assert sketched({}, "1", folders) is None
    assert (
        sketched(quick() | {"3": {"class_type": "SaveImage", "inputs": {}}}, "3", folders) is None
    )


def test_cycles_and_strangers_have_keys_too() -> None:
    graph = {
        "1": {"class_type": "A", "inputs": {"x": ["2", 0]}},
        "2": {"class_type": "A", "inputs": {"x": ["1", 0], "y": ["77", 0]}},
    }
    assert set(keys_of(graph, lambda _: "")) == {"1", "2"}


def test_the_lowest_ready_node_is_next_and_ids_may_be_words() -> None:
    graph: Graph = {
        "b": {"inputs": {}},
        "10": {"inputs": {}},
        "9": {"inputs": {"x": ["b", 0], "y": ["10", 0]}},
        "2": {"inputs": {"x": ["10", 0]}},
    }
    agenda = Agenda(graph, ["9", "2"], lambda node: node in "92", lambda _: False)
    order = []
    while agenda:
        order.append(agenda.next())
        assert order[-1] in agenda.left()
        agenda.done(order[-1])
    assert order == ["b", "10", "2", "9"]
