"""Which model files a graph makes a backend load: loading them may take longer than drawing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from safelight.core.graph import feeding
from safelight.core.records import Graph

# Told by the file's name and not by the input's: custom nodes call their inputs what they like, and
# the name may stand in a node of its own that the loader is linked to.
_ENDINGS: Final = (".bin", ".ckpt", ".gguf", ".pt", ".pth", ".safetensors", ".sft")


def models_of(graph: Graph, output: str) -> frozenset[str]:
    """The model files that nodes feeding `output` name, LoRAs among them.

    Example:
        >>> loader = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.ckpt"}}
        >>> save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}
        >>> models_of({"1": loader, "2": save}, "2")
        frozenset({'a.ckpt'})
    """
    return frozenset(_named(graph, output))


def _named(graph: Graph, output: str) -> Iterator[str]:
    for node_id in feeding(graph, output):
        for value in graph[node_id]["inputs"].values():
            if isinstance(value, str) and value.lower().endswith(_ENDINGS):
                yield value
