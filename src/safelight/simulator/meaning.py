"""What each node class makes of its inputs: scenes, words and seeds instead of tensors.

Everything here is a function of values. Waiting, saving and failing are the execution's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from safelight.simulator.folders import Folders
from safelight.simulator.graphs import Graph, links_of
from safelight.simulator.scene import Scene, digest_of

Inputs = dict[str, Any]
Values = tuple[Any, ...]
Meaning = Callable[[Folders, Inputs], Values]

# what reading a graph or a loaded file can stumble over
UNKNOWABLE = (
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    ValueError,
    OSError,
    RecursionError,
    SyntaxError,
    Image.DecompressionBombError,
)


def meant(graph: Graph, node: str, made: Mapping[str, Values], folders: Folders) -> Values:
    """The outputs of a node whose sources are made."""
    return MEANINGS[graph[node]["class_type"]](folders, inputs_of(graph, node, made))


def inputs_of(graph: Graph, node: str, made: Mapping[str, Values]) -> Inputs:
    """A node's inputs with the links followed."""
    links = links_of(graph[node])
    return {
        name: made[links[name][0]][links[name][1]] if name in links else value
        for name, value in graph[node]["inputs"].items()
        if name not in links or links[name][0] in made
    }


def sketched(graph: Graph, output: str, folders: Folders) -> Scene | None:
    """What an output node will show, found without running anything."""
    made: dict[str, Values] = {}
    try:
        _sketch(graph, output, made, folders)
        scene = inputs_of(graph, output, made).get("images")
    except UNKNOWABLE:
        return None
    return scene if isinstance(scene, Scene) else None


def _sketch(graph: Graph, node: str, made: dict[str, Values], folders: Folders) -> None:
    for source, _ in links_of(graph[node]).values():
        if source not in made:
            _sketch(graph, source, made, folders)
    made[node] = meant(graph, node, made, folders)


def _empty_image(_: Folders, given: Inputs) -> Values:
    scene = Scene(given["width"], given["height"], given["batch_size"], color=given["color"])
    return (scene,)


def _empty_latent(_: Folders, given: Inputs) -> Values:
    width, height = (given[side] // 8 * 8 for side in ("width", "height"))
    return (Scene(width, height, given["batch_size"]),)


def _add_noise(_: Folders, given: Inputs) -> Values:
    image: Scene = given["image"]
    strength = f"strength {given['strength']}"
    return (image.sampled(given["seed"], image.text, image.negative, strength),)


def _blur(_: Folders, given: Inputs) -> Values:
    return (given["image"].blurred(given["blur_radius"], given["sigma"]),)


def _scale(_: Folders, given: Inputs) -> Values:
    image: Scene = given["image"]
    width, height = image.size
    wide, high = given["width"], given["height"]
    if not wide and not high:
        return (image,)
    # a side of 0 follows the other one
    wide = wide or max(1, round(width * high / height))
    return (image.scaled(wide, high or max(1, round(height * wide / width))),)


def _load(folders: Folders, given: Inputs) -> Values:
    path = folders.input / given["image"]
    with Image.open(path) as loaded:
        width, height = loaded.size
    return Scene(width, height, source=path, digest=digest_of(path)), None


def _sample(_: Folders, given: Inputs) -> Values:
    seed = given["seed"] if "seed" in given else given["noise_seed"]
    return (given["latent_image"].sampled(seed, given["positive"], given["negative"]),)


def _sample_custom(_: Folders, given: Inputs) -> Values:
    positive, negative = given["guider"]
    latent = given["latent_image"].sampled(given["noise"], positive, negative)
    return latent, latent


def _lab_sampler(_: Folders, given: Inputs) -> Values:
    sheet = Scene(given["width"], given["height"], given["batch_size"])
    return (sheet.sampled(given["seed"], "", ""),)


def _two_texts(_: Folders, given: Inputs) -> Values:
    texts = dict.fromkeys((given["text_g"], given["text_l"]))
    return ("\n".join(texts),)


def _combined(_: Folders, given: Inputs) -> Values:
    return (f"{given['conditioning_1']}\n{given['conditioning_2']}",)


def _handing_on(name: str) -> Meaning:
    return lambda _, given: (given[name],)


def _nothing(count: int) -> Meaning:
    return lambda _, given: (None,) * count


MEANINGS: dict[str, Meaning] = {
    "EmptyImage": _empty_image,
    "ImageAddNoise": _add_noise,
    "ImageBlur": _blur,
    "ImageScale": _scale,
    "LoadImage": _load,
    "SaveImage": _nothing(0),
    "PreviewImage": _nothing(0),
    "CheckpointLoaderSimple": _nothing(3),
    "UNETLoader": _nothing(1),
    "CLIPLoader": _nothing(1),
    "DualCLIPLoader": _nothing(1),
    "TripleCLIPLoader": _nothing(1),
    "VAELoader": _nothing(1),
    "LoraLoader": _nothing(2),
    "LoraLoaderModelOnly": _nothing(1),
    "ModelSamplingSD3": _nothing(1),
    "ModelSamplingFlux": _nothing(1),
    "CLIPSetLastLayer": _nothing(1),
    "CLIPTextEncode": _handing_on("text"),
    "CLIPTextEncodeSDXL": _two_texts,
    "ConditioningCombine": _combined,
    "FluxGuidance": _handing_on("conditioning"),
    "EmptyLatentImage": _empty_latent,
    "EmptySD3LatentImage": _empty_latent,
    "VAEDecode": _handing_on("samples"),
    "VAEEncode": _handing_on("pixels"),
    "KSampler": _sample,
    "KSamplerAdvanced": _sample,
    "SamplerCustomAdvanced": _sample_custom,
    "KSamplerSelect": _handing_on("sampler_name"),
    "BasicScheduler": _handing_on("steps"),
    "BasicGuider": lambda _, given: ((given["conditioning"], ""),),
    "CFGGuider": lambda _, given: ((given["positive"], given["negative"]),),
    "RandomNoise": _handing_on("noise_seed"),
    "LabSleepSampler": _lab_sampler,
    "LabSleepBlind": _handing_on("image"),
    "LabRaise": _handing_on("image"),
    "LabRandomConditioning": _handing_on("text"),
}
