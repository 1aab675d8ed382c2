"""A workflow and a plan become the prompt of one attempt.

What makes an attempt findable is put in here: every saving node gets a folder that carries the
attempt's prompt id, so its file is known beforehand and is nobody else's. The same prefix is part
of ComfyUI's cache key, so that a cached answer cannot name an old file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from safelight.core.graph import batch_literals, links, targets
from safelight.core.records import Graph, Lora, Plan

_FOLDER = "safelight"
_LOADERS = ("ckpt_name", "unet_name")  # inputs by which a model loader is known
_CLIP_LOADERS = ("clip_name", "clip_name1")


def fill(graph: Graph, plan: Plan, seed: int, prompt_id: str) -> tuple[Graph, str | None]:
    """The graph to send, and the subfolder its picture will be in.

    `graph` is the one that `plan.graph` is the hash of; it is not changed, untouched nodes are
    shared with it. The folder is `safelight/<prompt_id>`, or None when the output node has no
    `filename_prefix`: then a nonce input keeps it out of the cache, and only the history tells the
    file. Raises `KeyError` when the plan was not made for this graph.
    """
    filled = dict(graph)
    for name, value in {**plan.values, "seed": seed}.items():
        for node_id, entry in targets(plan.slots[name]):
            _own(filled, graph, node_id)[entry] = value
    output = plan.slots["output"]
    for node_id, _ in batch_literals(graph, output):
        _own(filled, graph, node_id)["batch_size"] = 1
    if plan.loras:
        _insert_loras(filled, graph, plan)
    return filled, _make_private(filled, graph, output, prompt_id)


def can_take_loras(graph: Graph, slots: Mapping[str, str] | None = None) -> bool:
    """Whether there is one place to insert LoRAs: behind the loader of the `checkpoint` slot.

    Without that slot, behind the only loader of a checkpoint or diffusion model.
    """
    return _model_loader(graph, slots or {}) is not None


def _make_private(filled: Graph, graph: Graph, output: str, prompt_id: str) -> str | None:
    folder = f"{_FOLDER}/{prompt_id}"
    for node_id, node in graph.items():
        if "filename_prefix" in node["inputs"]:
            place = "" if node_id == output else f"other-{re.sub(r'[^A-Za-z0-9_-]', '_', node_id)}/"
            _own(filled, graph, node_id)["filename_prefix"] = f"{folder}/{place}image"
    if "filename_prefix" in graph[output]["inputs"]:
        return folder
    # An input that the class does not declare counts in the cache key and is not passed on.
    _own(filled, graph, output)["safelight_nonce"] = prompt_id
    return None


def _insert_loras(filled: Graph, graph: Graph, plan: Plan) -> None:
    """A chain of LoRA loaders takes the place of the model and the text encoder for all users."""
    loader = _model_loader(graph, plan.slots)
    if loader is None:
        raise KeyError("checkpoint")
    model = (loader, 0)
    clip = _clip_source(graph, loader)
    number = _free_number(graph)
    last = {source: source for source in (model, clip) if source}
    chain: Graph = {}
    for lora in plan.loras:
        node_id, number = str(number), number + 1
        chain[node_id] = _lora_node(lora, last[model], last[clip] if clip else None)
        last = {source: (node_id, index) for index, source in enumerate(last)}
    _redirect(filled, graph, last)
    filled.update(chain)


def _lora_node(lora: Lora, model: tuple[str, int], clip: tuple[str, int] | None) -> dict[str, Any]:
    inputs: dict[str, Any] = {
        "model": list(model),
        "lora_name": lora.name,
        "strength_model": lora.strength,
    }
    if clip is None:
        return {"class_type": "LoraLoaderModelOnly", "inputs": inputs}
    inputs |= {"clip": list(clip), "strength_clip": lora.strength}
    return {"class_type": "LoraLoader", "inputs": inputs}


def _redirect(
    filled: Graph, graph: Graph, sources: Mapping[tuple[str, int], tuple[str, int]]
) -> None:
    for node_id, node in graph.items():
        for name, source, index in links(node):
            if (source, index) in sources:
                _own(filled, graph, node_id)[name] = list(sources[source, index])


def _model_loader(graph: Graph, slots: Mapping[str, str]) -> str | None:
    loaders = {
        node_id: node["inputs"][entry]
        for node_id, node in graph.items()
        for entry in _LOADERS
        if entry in node["inputs"]
    }
    if "checkpoint" in slots:
        named = [node_id for node_id, _ in targets(slots["checkpoint"])]
        # The name may stand in a primitive node that the loader is linked to.
        chosen = [
            node_id
            for node_id, value in loaders.items()
            if node_id in named or (isinstance(value, list) and value[0] in named)
        ]
    else:
        chosen = list(loaders)
    return chosen[0] if len(chosen) == 1 else None


def _clip_source(graph: Graph, loader: str) -> tuple[str, int] | None:
    """The checkpoint's own text encoder if anybody uses it, else the only loader of one."""
    linked = [link for node in graph.values() for link in links(node)]
    own = (loader, 1)
    if "ckpt_name" in graph[loader]["inputs"] and any(own == link[1:] for link in linked):
        return own
    # Vision loaders have a `clip_name` too, but nobody takes a `clip` from them.
    loaded = {
        (source, index)
        for name, source, index in linked
        if name == "clip" and not graph[source]["inputs"].keys().isdisjoint(_CLIP_LOADERS)
    }
    return loaded.pop() if len(loaded) == 1 else None


def _free_number(graph: Graph) -> int:
    """Above every node id that is a number, so that no new id is taken."""
    numbers = [int(node_id) for node_id in graph if node_id.isascii() and node_id.isdecimal()]
    return max(numbers, default=0) + 1


def _own(filled: Graph, graph: Graph, node_id: str) -> dict[str, Any]:
    """The inputs of a node, copied from the workflow's before the first change."""
    node = filled[node_id]
    if node is graph[node_id]:
        node = filled[node_id] = {**node, "inputs": {**node["inputs"]}}
    inputs: dict[str, Any] = node["inputs"]
    return inputs
