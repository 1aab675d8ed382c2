"""ComfyUI graphs in API format: checked before they are sent anywhere, hashed, walked.

A bad graph is not only refused by a backend: some kill the server's only worker while its HTTP
goes on answering (a node without `inputs` that no output reaches, for example). So every node is
looked at here, reached or not, and whatever passes is of one shape:

    {node id: {"class_type": str, "inputs": {name: literal or [node id, output index]}}}

Facts: ComfyUI 0.3.64 as measured (`validate_prompt` in its execution.py), and its two exports.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from safelight.core.errors import FieldError, Invalid
from safelight.core.records import Graph

MAX_BYTES: Final = 1_048_576  # of the canonical JSON; the door refuses larger bodies anyway
MAX_NODES: Final = 2_000
MAX_DEPTH: Final = 32  # containers inside each other, the graph itself included
_MAX_FAULTS: Final = 20  # told at once
_NODE_ID = re.compile(r"[^\x00-\x1f\x7f.,\ud800-\udfff]{1,64}")  # "." and "," belong to slots
_UNPRINTABLE = re.compile(r"[\x00\ud800-\udfff]")
_INTEGERS: Final = range(-(2**63), 2**64)  # ComfyUI's seeds are unsigned 64-bit numbers

_EXPORT_HINT: Final = (
    "export it with Workflow > Export (API) in ComfyUI's menu (older versions: switch on the dev "
    "mode options in the settings, then Save (API Format))"
)


def check_graph(document: object, *, output: str | None = None) -> Graph:
    """The document itself, once it is known to be a graph that cannot hurt a backend.

    `output` is the node that `slots.output` names; it may be of any class. Without it some node
    must be a known saver of images. Raises `Invalid` with code `bad-workflow` (or
    `workflow-ui-format`), up to twenty faults with JSON pointers into the document.
    """
    nodes = _nodes(document)
    _check_values(nodes)
    faults: list[FieldError] = []
    for fault in _node_faults(nodes):
        faults.append(fault)
        if len(faults) == _MAX_FAULTS:
            break
    if faults:
        raise Invalid(faults[0].detail, code="bad-workflow", errors=tuple(faults))
    _check_acyclic(nodes)
    _check_size(nodes)
    if output is None and not saving_nodes(nodes):
        raise _bad(
            "no node saves an image; add a SaveImage node, or name the saving node: "
            'slots = { output = "NODE" }'
        )
    return nodes


def canonical(graph: Graph) -> str:
    """The graph as JSON with sorted keys and no spaces, in ASCII: equal graphs, equal text."""
    return json.dumps(graph, sort_keys=True, separators=(",", ":"), allow_nan=False)


def graph_hash(graph: Graph) -> str:
    """SHA-256 (hex) of the canonical JSON."""
    return hashlib.sha256(canonical(graph).encode()).hexdigest()


def links(node: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """The links into a node as (input name, source node, output index), in the node's order.

    In a checked graph every list among the inputs is a link.
    """
    return [
        (name, value[0], value[1])
        for name, value in node["inputs"].items()
        if isinstance(value, list)
    ]


def feeding(graph: Graph, output: str) -> list[str]:
    """`output` and every node that it depends on, nearest first."""
    order = [output]
    seen = {output}
    for node_id in order:
        for value in graph[node_id]["inputs"].values():
            if isinstance(value, list) and value[0] not in seen:
                seen.add(value[0])
                order.append(value[0])
    return order


def saving_nodes(graph: Graph) -> list[str]:
    """The nodes whose class is known to keep images as files, in the graph's order.

    Not PreviewImage (its files are temporary and never count) and not SaveImageWebsocket (it
    leaves no file). Custom savers are known by their name: `Image Save`, `SaveImageExtended`, ….
    """
    return [node_id for node_id, node in graph.items() if _is_saver(node["class_type"])]


def targets(slot: str) -> list[tuple[str, str]]:
    """`"6.text_g,6.text_l"` → `[("6", "text_g"), ("6", "text_l")]`."""
    pairs = (place.partition(".") for place in slot.split(","))
    return [(node_id, name) for node_id, _, name in pairs]


def batch_literals(graph: Graph, output: str) -> Iterator[tuple[str, int]]:
    """(node, batch size) of latent and empty images that make several pictures for `output`."""
    for node_id in feeding(graph, output):
        inputs = graph[node_id]["inputs"]
        size = inputs.get("batch_size")
        if isinstance(size, int) and size != 1 and "width" in inputs and "height" in inputs:
            yield node_id, size


def _nodes(document: object) -> Graph:
    if not isinstance(document, dict):
        raise _bad("a workflow is a JSON object that maps node ids to nodes")
    if not document:
        raise _bad("the workflow has no nodes")
    if isinstance(document.get("nodes"), list):
        raise Invalid(
            f"this is the format of ComfyUI's editor, not the API format; {_EXPORT_HINT}",
            code="workflow-ui-format",
        )
    wrapped = document.get("prompt")
    if isinstance(wrapped, dict) and "class_type" not in wrapped:
        raise _bad('the graph lies inside "prompt"; give what is inside it alone', "/prompt")
    if len(document) > MAX_NODES:
        raise _bad(f"the workflow has {len(document)} nodes, at most {MAX_NODES} are allowed")
    return document


def _check_values(document: object) -> None:
    """Every value is plain JSON that can be written, hashed and stored. Without recursion."""
    pending: list[tuple[object, str, int]] = [(document, "", 1)]
    while pending:
        value, pointer, depth = pending.pop()
        if isinstance(value, dict):
            for key in value:
                _check_scalar(key if isinstance(key, str) else object(), pointer)
            children = [(child, f"{pointer}/{_escaped(key)}") for key, child in value.items()]
        elif isinstance(value, list):
            children = [(child, f"{pointer}/{index}") for index, child in enumerate(value)]
        else:
            _check_scalar(value, pointer)
            continue
        if depth > MAX_DEPTH:
            raise _bad(f"the workflow is nested more than {MAX_DEPTH} levels deep", pointer)
        pending.extend((child, place, depth + 1) for child, place in children)


def _check_scalar(value: object, pointer: str) -> None:
    fault = _scalar_fault(value)
    if fault is not None:
        raise _bad(fault, pointer)


def _scalar_fault(value: object) -> str | None:
    match value:
        case str():
            unkeepable = _UNPRINTABLE.search(value) is not None
            return "a text contains NUL or half a surrogate pair" if unkeepable else None
        case bool() | None:
            return None
        case int():
            return None if value in _INTEGERS else "a number is larger than 64 bits"
        case float():
            return None if math.isfinite(value) else "a number is not finite"
    return f"{type(value).__name__} is not JSON"


def _node_faults(nodes: Graph) -> Iterator[FieldError]:
    for node_id, node in nodes.items():
        pointer = f"/{_escaped(node_id[:64])}"
        if not _NODE_ID.fullmatch(node_id):
            detail = "a node id has 1 to 64 characters, without control characters, '.' and ','"
            yield _fault(pointer, detail)
        elif not isinstance(node, dict):
            yield _fault(pointer, f"node {node_id} is not an object")
        else:
            yield from _faults_of(nodes, node_id, node, pointer)


def _faults_of(nodes: Graph, node_id: str, node: dict[str, Any], at: str) -> Iterator[FieldError]:
    class_type = node.get("class_type")
    if not isinstance(class_type, str) or not class_type:
        yield _fault(f"{at}/class_type", f"node {node_id} has no class_type")
    if not isinstance(node.get("_meta", {}), dict):
        yield _fault(f"{at}/_meta", f"_meta of node {node_id} is not an object")
    inputs = node.get("inputs")
    if not isinstance(inputs, dict):
        detail = f"node {node_id} has no inputs; write an empty object where there are none"
        yield _fault(f"{at}/inputs", detail)
        return
    for name, value in inputs.items():
        if isinstance(value, list) and (reason := _link_fault(nodes, value)):
            place = f"{at}/inputs/{_escaped(name)}"
            yield _fault(place, f"input {name} of node {node_id} {reason}")


def _link_fault(nodes: Graph, value: list[Any]) -> str | None:
    if len(value) != 2 or not isinstance(value[0], str) or type(value[1]) is not int:
        return "is no link: a link is [node id as a string, output index]"
    if value[1] < 0:
        return "links to a negative output index"
    if value[0] not in nodes:
        return f"links to node {value[0][:64]}, which does not exist"
    return None


def _check_acyclic(nodes: Graph) -> None:
    """Kahn's algorithm: take away what depends on nothing; what stays goes round in a circle."""
    waits_for = {
        node_id: {source for _, source, _ in links(node)} for node_id, node in nodes.items()
    }
    users: dict[str, list[str]] = {node_id: [] for node_id in nodes}
    for node_id, sources in waits_for.items():
        for source in sources:
            users[source].append(node_id)
    free = [node_id for node_id, sources in waits_for.items() if not sources]
    for done in free:
        for user in users[done]:
            waits_for[user].discard(done)
            if not waits_for[user]:
                free.append(user)
    if len(free) < len(nodes):
        stuck = next(node_id for node_id, sources in waits_for.items() if sources)
        raise _bad(f"the links go round in a circle (see node {stuck})", f"/{_escaped(stuck)}")


def _check_size(nodes: Graph) -> None:
    size = len(canonical(nodes))
    if size > MAX_BYTES:
        raise _bad(f"the workflow has {size} bytes, at most {MAX_BYTES} are allowed")


def _is_saver(class_type: str) -> bool:
    name = re.sub(r"[^a-z0-9]", "", class_type.lower())
    return ("saveimage" in name or "imagesave" in name) and "websocket" not in name


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _fault(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer, detail, "bad-workflow")


def _bad(detail: str, pointer: str = "") -> Invalid:
    return Invalid(detail, pointer=pointer, code="bad-workflow")
