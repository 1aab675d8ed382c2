"""The node cache: keeps only nodes that occur in the last executed prompt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from safelight.simulator.graphs import Graph, links_of

Changes = Callable[[str], str]


@dataclass(frozen=True)
class Made:
    """What a node made: its outputs and, for an output node, what it told about them."""

    values: tuple[Any, ...]
    told: dict[str, Any] | None = None
    meta: dict[str, Any] | None = None


class NodeCache:
    """What each node of the last prompt made, under keys that know nothing of node ids."""

    def __init__(self) -> None:
        self._kept: dict[str, Made] = {}
        self._keys: dict[str, str] = {}

    def turn_to(self, graph: Graph, changed: Changes) -> None:
        """Take up a new prompt; what does not occur in it is dropped.

        A node without inputs raises here, which no caller survives: that is the real server's
        poison prompt.
        """
        self._keys = keys_of(graph, changed)
        wanted = set(self._keys.values())
        self._kept = {key: made for key, made in self._kept.items() if key in wanted}

    def get(self, node: str) -> Made | None:
        """What this node made before, if it is the same as before."""
        return self._kept.get(self._keys[node])

    def keep(self, node: str, made: Made) -> None:
        """Remember what a node made."""
        self._kept[self._keys[node]] = made

    def clear(self) -> None:
        """Forget everything."""
        self._kept = {}


def keys_of(graph: Graph, changed: Changes) -> dict[str, str]:
    """The key of every node: its class, its literals, and the keys of what it is linked to."""
    keys: dict[str, str] = {}
    for node in graph:
        _key(graph, node, keys, changed, ())
    return keys


def _key(
    graph: Graph, node: str, keys: dict[str, str], changed: Changes, above: tuple[str, ...]
) -> str:
    if node in keys:
        return keys[node]
    if node in above or node not in graph:
        return f"?{node}"
    inputs = graph[node]["inputs"]
    links = links_of(graph[node])
    parts: list[Any] = [graph[node]["class_type"], changed(node)]
    for name in sorted(inputs):
        if name in links:
            source, slot = links[name]
            parts.append([name, slot, _key(graph, source, keys, changed, (*above, node))])
        else:
            parts.append([name, inputs[name]])
    text = json.dumps(parts, sort_keys=True)
    keys[node] = hashlib.sha256(text.encode()).hexdigest()
    return keys[node]
