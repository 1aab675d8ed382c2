"""Where in a workflow the seed, the prompt, the size … are written.

A slot is `"node.input"`; one that fills several inputs joins them with commas
(`"6.text_g,6.text_l"`); `output` names a node. Whoever knows the graph names slots, the others are
found by walking backwards from the output node (`core.discovery`). What is found must be beyond
doubt: two candidates that differ make no slot but a note, because writing a prompt into the wrong
text is worse than asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from safelight.core.discovery import discover, seed_candidates
from safelight.core.errors import Invalid
from safelight.core.graph import batch_literals, feeding, saving_nodes, targets
from safelight.core.records import Graph
from safelight.core.tracing import KINDS, Target, literal

SLOT_NAMES: Final = (*KINDS, "output")
_NEVER_COUNT: Final = {
    "PreviewImage": "its pictures are temporary",
    "SaveImageWebsocket": "it leaves no file",
}


@dataclass(frozen=True, slots=True)
class WorkflowReport:
    """What `workflows check` tells."""

    slots: Mapping[str, str]
    missing: tuple[str, ...]  # slots that the workflow does without
    notes: tuple[str, ...]  # sentences for people
    classes: tuple[str, ...]  # sorted, each once: what a backend must have installed
    output: str  # the node whose first picture counts


def find_slots(graph: Graph, named: Mapping[str, str]) -> dict[str, str]:
    """Slot name → `"node.input"` (`output` → node id), in the order of `SLOT_NAMES`.

    `named` wins over what is found. Only `seed` and `output` are obligatory. Raises `Invalid` with
    code `bad-slot`, pointer `/slots/NAME`: an unknown slot, a node or input that is not there, an
    input fed by a link that leads to no single literal, two slots on one input, a seed that does
    not reach the output, several saving nodes, no seed.
    """
    return _resolve(graph, named)[0]


def describe(graph: Graph, named: Mapping[str, str]) -> WorkflowReport:
    """The slots and everything worth knowing before the first order. Raises like `find_slots`."""
    slots, notes = _resolve(graph, named)
    output = slots["output"]
    for node_id, size in batch_literals(graph, output):
        notes.append(
            f"batch_size {size} of node {node_id} is sent as 1: one prompt makes one image"
        )
    return WorkflowReport(
        slots=slots,
        missing=tuple(name for name in SLOT_NAMES if name not in slots),
        notes=tuple(notes),
        classes=tuple(sorted({node["class_type"] for node in graph.values()})),
        output=output,
    )


def _resolve(graph: Graph, named: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    output = _output(graph, named)
    owned = _check_named(graph, named)
    found, notes = discover(graph, output)
    slots = {"output": output}
    owner = {target: name for name, places in owned.items() for target in places}
    for name in KINDS:
        places = owned.get(name) or [place for place in found[name] if place not in owner]
        if name not in owned and found[name] and not places:
            notes.append(f"{name} is no slot: it is the same input as {owner[found[name][0]]}")
        if places:
            slots[name] = ",".join(f"{node_id}.{entry}" for node_id, entry in places)
            owner.update((place, name) for place in places)
    _check_seed(graph, slots)
    notes = [note for note in notes if note.partition(" ")[0] not in owned]
    return {name: slots[name] for name in SLOT_NAMES if name in slots}, notes


def _output(graph: Graph, named: Mapping[str, str]) -> str:
    if "output" in named:
        return _named_output(graph, named["output"])
    savers = saving_nodes(graph)
    if not savers:
        raise _bad("output", 'no node is known to save images; write slots = { output = "NODE" }')
    if len(savers) > 1:
        listed = ", ".join(f"{node_id} ({graph[node_id]['class_type']})" for node_id in savers)
        hint = f'slots = {{ output = "{savers[0]}" }}'
        raise _bad("output", f"several nodes save images: {listed}; name the one, like {hint}")
    return savers[0]


def _named_output(graph: Graph, node_id: str) -> str:
    if node_id not in graph:
        raise _bad("output", f"the workflow has no node {node_id}")
    class_type = graph[node_id]["class_type"]
    if class_type in _NEVER_COUNT:
        reason = _NEVER_COUNT[class_type]
        raise _bad("output", f"node {node_id} is a {class_type}: {reason}; name a node that saves")
    return node_id


def _check_named(graph: Graph, named: Mapping[str, str]) -> dict[str, list[Target]]:
    owned: dict[str, list[Target]] = {}
    owner: dict[Target, str] = {}
    for name, slot in named.items():
        if name not in SLOT_NAMES:
            raise _bad(name, f"there is no slot {name}{_nearest(name)}")
        if name == "output":
            continue
        owned[name] = [_named_target(graph, name, *place) for place in targets(slot)]
        for target in owned[name]:
            if owner.setdefault(target, name) != name:
                where = ".".join(target)
                raise _bad(name, f"{name} and {owner[target]} are the same input, {where}")
    return owned


def _named_target(graph: Graph, name: str, node_id: str, entry: str) -> Target:
    if not entry:
        raise _bad(name, f'"{node_id}" is no slot: write "NODE.INPUT", like "2.{name}"')
    if node_id not in graph:
        raise _bad(name, f"the workflow has no node {node_id}")
    inputs = graph[node_id]["inputs"]
    if entry not in inputs:
        known = ", ".join(inputs) or "none"
        raise _bad(name, f"node {node_id} has no input {entry}; its inputs: {known}")
    target = literal(graph, node_id, entry, KINDS[name])
    if target is None:
        wanted = "a text" if KINDS[name] is str else "a number"
        raise _bad(name, f"{node_id}.{entry} leads to no input that holds {wanted}")
    return target


def _check_seed(graph: Graph, slots: Mapping[str, str]) -> None:
    if "seed" not in slots:
        candidates = seed_candidates(graph)
        seen = f"; candidates: {', '.join(candidates)}" if candidates else ""
        raise _bad("seed", f'no seed was found; write slots = {{ seed = "NODE.INPUT" }}{seen}')
    reaching = set(feeding(graph, slots["output"]))
    for node_id, _ in targets(slots["seed"]):
        if node_id not in reaching:
            detail = f"node {node_id} does not feed output node {slots['output']}"
            raise _bad("seed", f"{detail}: every picture would be the same")


def _nearest(name: str) -> str:
    near = get_close_matches(name, SLOT_NAMES, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known slots: {', '.join(SLOT_NAMES)}"


def _bad(name: str, detail: str) -> Invalid:
    return Invalid(detail, pointer=f"/slots/{name}", code="bad-slot")
