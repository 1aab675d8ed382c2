"""The way from a sampler backwards along its links, to the inputs where values are written.

Class names are not looked at where the names of inputs tell enough: `model` leads through LoRA
loaders and model patches to the checkpoint, `positive` through conditioning nodes to the texts,
`sigmas` to the steps, in nodes that nobody here has heard of too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from safelight.core.graph import links
from safelight.core.records import Graph

Target: TypeAlias = tuple[str, str]  # node, input
_Inputs: TypeAlias = Mapping[str, Any]
_Step: TypeAlias = tuple[str, int]  # node, and the index of the output by which it was entered

# Slot → what its input holds; the order decides who keeps an input that two slots lead to.
KINDS: Final[dict[str, type]] = {
    "seed": int,
    "prompt": str,
    "negative_prompt": str,
    "width": int,
    "height": int,
    "steps": int,
    "cfg": float,
    "sampler": str,
    "scheduler": str,
    "checkpoint": str,
}
_LATENTS: Final = ("latent_image", "latent", "samples", "pixels", "image", "images")
# Slot → (the inputs that hold it, the first there counts; the links that lead to it).
_ROUTES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "seed": (("noise_seed", "seed"), ("noise",)),
    "width": (("width",), _LATENTS),
    "height": (("height",), _LATENTS),
    "steps": (("steps",), ("sigmas",)),
    "cfg": (("cfg",), ("guider",)),
    "sampler": (("sampler_name",), ("sampler",)),
    "scheduler": (("scheduler",), ("sigmas",)),
    "checkpoint": (("ckpt_name", "unet_name"), ("model", "model1", "model2", "guider")),
}
_SIDES: Final = {"prompt": "positive", "negative_prompt": "negative"}
# The texts of the encoders of SD1.5, SDXL, SD3, Flux, Hunyuan, HiDream, Qwen.
_CLIP_TEXTS: Final = ("text", "text_g", "text_l", "clip_l", "clip_g")
_TEXTS: Final = (*_CLIP_TEXTS, "t5xxl", "bert", "mt5xl", "llama", "prompt")
_PRIMITIVES: Final = ("value", "string", "text", "int", "float", "number", "seed", "prompt")


def literal(graph: Graph, node_id: str, entry: str, kind: type) -> Target | None:
    """Where the value of an input is written: there, or in the primitive node it is linked to.

    None when the link leads to a node that computes, or that holds several values of this kind.
    """
    value = graph[node_id]["inputs"][entry]
    if holds(value, kind):
        return node_id, entry
    while isinstance(value, list):
        source = value[0]
        inputs = graph[source]["inputs"]
        linked = links(graph[source])
        if not linked:
            only = _only_literal(inputs, kind)
            return (source, only) if only else None
        if len(inputs) > 1:
            return None
        value = inputs[linked[0][0]]  # a reroute
    return None


def traced(graph: Graph, sampler: str, name: str) -> list[list[Target]]:
    """What may be the slot, one group per place; an empty group is a place that is no literal."""
    if name in _SIDES:
        return _text_groups(graph, sampler, _SIDES[name])
    wanted, roads = _ROUTES[name]

    def look(node_id: str) -> list[Target] | None:
        inputs = graph[node_id]["inputs"]
        entry = next((entry for entry in wanted if entry in inputs), None)
        return None if entry is None else literals(graph, node_id, [entry], KINDS[name])

    def onward(node_id: str, _: int) -> list[_Step]:
        leading = [
            (source, index) for entry, source, index in links(graph[node_id]) if entry in roads
        ]
        return leading or ([] if node_id == sampler else _only_link(graph, node_id))

    return _walk((sampler, 0), look, onward)


def _text_groups(graph: Graph, sampler: str, side: str) -> list[list[Target]]:
    start = _conditioning(graph, sampler, side)
    if start is None:
        return []

    def look(node_id: str) -> list[Target] | None:
        inputs = graph[node_id]["inputs"]
        entries = [entry for entry in _TEXTS if entry in inputs]
        if not entries and holds(inputs.get(side), str):
            entries = [side]  # a loader that encodes both texts itself
        return literals(graph, node_id, entries, str) if entries else None

    def onward(node_id: str, index: int) -> list[_Step]:
        return _conditioning_behind(graph, node_id, index)

    return _walk(start, look, onward)


def _conditioning(graph: Graph, sampler: str, side: str) -> _Step | None:
    inputs = graph[sampler]["inputs"]
    if isinstance(inputs.get("guider"), list):
        inputs = graph[inputs["guider"][0]]["inputs"]
    names = ("positive", "conditioning", "cond1") if side == "positive" else ("negative",)
    for name in names:
        if isinstance(inputs.get(name), list):
            return inputs[name][0], inputs[name][1]
    return None


def _conditioning_behind(graph: Graph, node_id: str, index: int) -> list[_Step]:
    node = graph[node_id]
    if node["class_type"] == "ConditioningZeroOut":
        return []  # whatever the text was, nothing of it is left
    leading = {name: (source, number) for name, source, number in links(node)}
    if "positive" in leading and "negative" in leading:
        # Nodes that take both give both, in this order (ControlNetApplyAdvanced and its like).
        return [leading["negative" if index == 1 else "positive"]]
    steps = [step for name, step in leading.items() if name.startswith("cond")]
    return steps or _only_link(graph, node_id)


def _walk(
    start: _Step,
    look: Callable[[str], list[Target] | None],
    onward: Callable[[str, int], list[_Step]],
) -> list[list[Target]]:
    """Breadth first, backwards; a way ends where something is found."""
    queue, seen, groups = [start], {start}, list[list[Target]]()
    for node_id, index in queue:
        hit = look(node_id)
        if hit is not None:
            groups.append(hit)
            continue
        for step in onward(node_id, index):
            if step not in seen:
                seen.add(step)
                queue.append(step)
    return groups


def literals(graph: Graph, node_id: str, entries: list[str], kind: type) -> list[Target]:
    """Where all these inputs are written; empty if one of them is no literal."""
    places = [literal(graph, node_id, entry, kind) for entry in entries]
    return [] if None in places else [place for place in places if place is not None]


def _only_link(graph: Graph, node_id: str) -> list[_Step]:
    linked = links(graph[node_id])
    return [(linked[0][1], linked[0][2])] if len(linked) == 1 else []


def _only_literal(inputs: _Inputs, kind: type) -> str | None:
    fitting = [name for name, value in inputs.items() if holds(value, kind)]
    usual = [name for name in fitting if name in _PRIMITIVES]
    for names in (fitting, usual):
        if len(names) == 1:
            return names[0]
    return None


def holds(value: object, kind: type) -> bool:
    """Whether the value is a text (`str`) or a number (any other kind); a boolean is neither."""
    if kind is str:
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)
