"""Which slots a workflow offers by itself: the inputs around its samplers, where they are clear.

The sampler is the anchor of every ComfyUI graph: its inputs say what the loose nodes around it are
for (this text is the positive one, that number is the steps). Samplers are known by their shape and
not by their class, so that custom ones are understood too:

    KSampler, KSamplerAdvanced, SamplerCustom …   a seed beside a linked model or conditioning
    SamplerCustomAdvanced                         noise, guider, sampler and sigmas as links

With several samplers in one graph (SDXL base and refiner, a second pass at a higher resolution) the
base, the one with no other sampler behind it, says what the slots are. The input of another sampler
joins a slot when it holds the same value, because then one thing was written twice; seeds always
join, except where no noise is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from safelight.core.graph import feeding
from safelight.core.records import Graph
from safelight.core.tracing import KINDS, Target, holds, literals, traced

# Inputs that repeat the size of the empty latent for the model's sake.
_SIZE_ECHOES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "CLIPTextEncodeSDXL": {
        "width": ("width", "target_width"),
        "height": ("height", "target_height"),
    },
    "CLIPTextEncodeSDXLRefiner": {"width": ("width",), "height": ("height",)},
    "ModelSamplingFlux": {"width": ("width",), "height": ("height",)},
}
_SEEDS: Final = ("seed", "noise_seed")


def discover(graph: Graph, output: str) -> tuple[dict[str, list[Target]], list[str]]:
    """Slot → its inputs (empty where there is none, or doubt), and notes that begin with the slot.

    Looks only at what feeds `output`. Without a sampler: the only literal called `seed` or
    `noise_seed`, and the literal width and height, if all that there are agree.
    """
    order = feeding(graph, output)
    samplers = [node_id for node_id in order if _is_sampler(graph[node_id]["inputs"])]
    notes: list[str] = []
    if samplers:
        found = _around_samplers(graph, samplers, notes)
    else:
        found = _without_sampler(graph, order, notes)
    _add_size_echoes(graph, order, found)
    notes += [
        f"node {node_id} scales to a fixed size, so a requested size is not that of the picture"
        for node_id in order
        if _scales(graph, node_id) and found["width"] and (node_id, "width") not in found["width"]
    ]
    return found, notes


def seed_candidates(graph: Graph) -> list[str]:
    """Every literal called `seed` or `noise_seed`, as `"node.input"`."""
    return [".".join(target) for target in _seed_literals(graph, list(graph))]


def _around_samplers(
    graph: Graph, samplers: list[str], notes: list[str]
) -> dict[str, list[Target]]:
    base = next(node_id for node_id in samplers if _samplers_behind(graph, node_id, samplers) == 0)
    others = [node_id for node_id in samplers if node_id != base]
    found: dict[str, list[Target]] = {"seed": _noise_seeds(graph, samplers)}
    for name in KINDS:
        if name == "seed":
            continue
        found[name] = _agreed(traced(graph, base, name), graph, name, notes)
        for other in others:
            _join(graph, found[name], traced(graph, other, name))
    split = [node_id for node_id in samplers if _is_split(graph[node_id]["inputs"])]
    if split and found["steps"]:
        found["steps"] = []
        notes.append(f"steps is no slot: node {split[0]} starts or ends at a fixed step")
    return found


def _samplers_behind(graph: Graph, node_id: str, samplers: list[str]) -> int:
    """How many samplers had to run before this one."""
    return len(set(feeding(graph, node_id)).intersection(samplers)) - 1


def _without_sampler(graph: Graph, order: list[str], notes: list[str]) -> dict[str, list[Target]]:
    found: dict[str, list[Target]] = {name: [] for name in KINDS}
    seeds = _seed_literals(graph, order)
    found["seed"] = seeds if len(seeds) == 1 else []
    sized = [
        node_id
        for node_id in order
        if all(holds(graph[node_id]["inputs"].get(name), int) for name in ("width", "height"))
    ]
    for name in ("width", "height"):
        found[name] = _agreed([[(node_id, name)] for node_id in sized], graph, name, notes)
    return found


def _is_sampler(inputs: Mapping[str, Any]) -> bool:
    if isinstance(inputs.get("noise"), list) and isinstance(inputs.get("guider"), list):
        return True
    seeded = "seed" in inputs or "noise_seed" in inputs
    # A node that writes prompts has a seed and a model too, but its model is a name.
    drawn_by = ("model", "positive", "latent_image")
    return seeded and any(isinstance(inputs.get(name), list) for name in drawn_by)


def _noise_seeds(graph: Graph, samplers: list[str]) -> list[Target]:
    seeds: list[Target] = []
    for node_id in samplers:
        if graph[node_id]["inputs"].get("add_noise") not in ("disable", False):
            for group in traced(graph, node_id, "seed"):
                seeds += [target for target in group if target not in seeds]
    return seeds


def _is_split(inputs: Mapping[str, Any]) -> bool:
    start, end, steps = (inputs.get(name) for name in ("start_at_step", "end_at_step", "steps"))
    starts_late = isinstance(start, int) and start > 0
    return starts_late or (isinstance(end, int) and isinstance(steps, int) and end < steps)


def _agreed(groups: list[list[Target]], graph: Graph, name: str, notes: list[str]) -> list[Target]:
    """All inputs of all groups if they hold the same values, else none and a note."""
    if not groups:
        return []
    values = [_values(graph, group) for group in groups]
    if all(values) and all(value == values[0] for value in values):
        return list(dict.fromkeys(target for group in groups for target in group))
    places = [".".join(target) for group in groups for target in group]
    listed = f"one of {', '.join(places)}" if places else "its input"
    notes.append(f"{name} is no slot: what was found is not one literal; name {listed}")
    return []


def _join(graph: Graph, found: list[Target], groups: list[list[Target]]) -> None:
    known = _values(graph, found)
    for group in groups:
        if group and _values(graph, group) <= known:
            found += [target for target in group if target not in found]


def _add_size_echoes(graph: Graph, order: list[str], found: dict[str, list[Target]]) -> None:
    for node_id in order:
        echoes = _SIZE_ECHOES.get(graph[node_id]["class_type"], {})
        for name, entries in echoes.items():
            present = [entry for entry in entries if entry in graph[node_id]["inputs"]]
            groups = [literals(graph, node_id, [entry], int) for entry in present]
            _join(graph, found[name], groups)


def _scales(graph: Graph, node_id: str) -> bool:
    inputs = graph[node_id]["inputs"]
    return "upscale_method" in inputs and holds(inputs.get("width"), int)


def _seed_literals(graph: Graph, order: list[str]) -> list[Target]:
    return [
        (node_id, name)
        for node_id in order
        for name in _SEEDS
        if holds(graph[node_id]["inputs"].get(name), int)
    ]


def _values(graph: Graph, places: list[Target]) -> set[Any]:
    return {graph[node_id]["inputs"][entry] for node_id, entry in places}
