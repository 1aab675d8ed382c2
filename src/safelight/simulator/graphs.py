"""Reading a graph in API format: `{node_id: {class_type, inputs}}`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Node = dict[str, Any]
Graph = dict[str, Node]


def links_of(node: Node) -> dict[str, tuple[str, int]]:
    """Which inputs come from which output of which node."""
    return {
        name: (value[0], int(value[1])) for name, value in node["inputs"].items() if is_link(value)
    }


def is_link(value: Any) -> bool:
    """Whether an input's value is `[node_id, slot]`."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int | float)
    )


class Agenda:
    """The nodes still to run, and which is next: an output that is ready, else the lowest."""

    def __init__(
        self,
        graph: Graph,
        outputs: Iterable[str],
        is_output: Callable[[str], bool],
        is_cached: Callable[[str], bool],
    ) -> None:
        self._is_output = is_output
        self._waits_for: dict[str, set[str]] = {}
        pending = list(outputs)
        while pending:
            node = pending.pop()
            if node in self._waits_for:
                continue
            sources = {source for source, _ in links_of(graph[node]).values() if source in graph}
            self._waits_for[node] = {source for source in sources if not is_cached(source)}
            pending.extend(self._waits_for[node])

    def __bool__(self) -> bool:
        return bool(self._waits_for)

    def __contains__(self, node: str) -> bool:
        return node in self._waits_for

    def next(self) -> str:
        """The node to run now."""
        ready = [node for node, sources in self._waits_for.items() if not sources]
        return min(ready, key=lambda node: (not self._is_output(node), _rank(node)))

    def done(self, node: str) -> None:
        """This node has run."""
        del self._waits_for[node]
        for sources in self._waits_for.values():
            sources.discard(node)

    def left(self) -> list[str]:
        """All nodes that have not run."""
        return list(self._waits_for)


def _rank(node: str) -> tuple[int, str]:
    digits = node if node.isdecimal() and node.isascii() else "0"
    return int(digits), node
